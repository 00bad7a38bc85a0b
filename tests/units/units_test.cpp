// Compose files to units and notes: cases/NAME/compose.yaml gives quadlet.txt, podman.txt and systemd.txt, all units
// behind one another, and notes. CONSORT_RECORD=1 writes them.
#include "units/units.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/os/file.hpp"
#include "base/strings.hpp"

namespace consort::units {
namespace {

const std::string data = CONSORT_TEST_DATA;

compose::Project loaded(compose::LoadOptions options) {
  options.environment = {{"TOKEN", "abc"}};
  compose::LoadOutcome outcome = compose::load(options);
  EXPECT_TRUE(outcome.project) << compose::render_diagnostics(outcome.diagnostics, compose::Colour::never);
  return outcome.project.value_or(compose::Project{});
}

compose::Project project_of(const std::string& yaml) {
  compose::LoadOptions options;
  options.files = {"/app/compose.yaml"};
  options.working_directory = "/app";
  options.project_name = "app";
  options.access.read = [yaml](const std::string&) -> Result<std::string> { return yaml; };
  options.access.is_file = options.access.exists = [](const std::string& path) { return path == "/app/compose.yaml"; };
  options.access.resolve_links = [](const std::string& path) { return path; };
  return loaded(options);
}

project::DesiredProject desired(const compose::Project& project) {
  auto made = project::desired_state(project);
  EXPECT_TRUE(made) << made.error().message();
  return made ? std::move(*made) : project::DesiredProject{};
}

std::string text_of(const Result<Units>& units) {
  EXPECT_TRUE(units) << units.error().message();
  std::string text;
  if (!units) return text;
  for (const UnitFile& file : units->files) text += "### " + file.path + "\n" + file.text + "\n";
  return replace_all(text, data, "/DATA");
}

class Cases : public testing::TestWithParam<const char*> {};

TEST_P(Cases, BecomeTheirUnits) {
  const std::string folder = data + "/cases/" + GetParam();
  compose::LoadOptions options;
  options.working_directory = folder;
  options.files = {folder + "/compose.yaml"};
  if (GetParam() == std::string_view("tutorial")) options.project_name = "lms";
  const compose::Project project = loaded(options);
  const project::DesiredProject wanted = desired(project);
  const auto quadlet = podman_units(project, wanted, Podman::quadlet);
  const auto systemd = consort_units(project, wanted, "/usr/bin/consort");
  const auto is = [&](const std::string& name, const std::string& text) {
    const std::string path = folder + "/" + name;
    if (std::getenv("CONSORT_RECORD")) {
      EXPECT_TRUE(write_file_atomic(path, text));
    }
    EXPECT_EQ(text, read_file(path).value_or("")) << path;
  };
  is("quadlet.txt", text_of(quadlet));
  is("podman.txt", text_of(podman_units(project, wanted, Podman::services)));
  is("systemd.txt", text_of(systemd));
  ASSERT_TRUE(quadlet && systemd);
  const std::string notes = compose::left_out_list(quadlet->notes) + "---\n" + compose::left_out_list(systemd->notes);
  is("notes", replace_all(notes, folder + "/", ""));
}
INSTANTIATE_TEST_SUITE_P(Units, Cases, testing::Values("tutorial", "everything", "left-out"));

// Nothing of the language may be dropped in silence.
TEST(Fates, EachAttributeOfTheLanguageHasOne) {
  const auto rows = compose::attribute_table();
  for (const compose::FateTable& table : {podman_fates(), consort_fates()})
    for (const compose::AttributeRow& row : rows) {
      const bool is_section = std::ranges::any_of(
          rows, [&](const compose::AttributeRow& each) { return each.path.starts_with(row.path + "."); });
      EXPECT_TRUE(is_section || compose::fate_of(table, row.path, "any value")) << table.where << ": " << row.path;
    }
}

TEST(Fates, EachRowIsOfTheLanguage) {
  const auto rows = compose::attribute_table();
  for (const compose::FateTable& table : {podman_fates(), consort_fates()})
    for (const compose::AttributeFate& fate : table.rows) {
      const std::string path(fate.path);
      EXPECT_TRUE(std::ranges::any_of(rows, [&](const compose::AttributeRow& row) {
        return row.path == path || row.path.starts_with(path + ".") || path.starts_with(row.path + ".");
      })) << path;
      EXPECT_FALSE(fate.text.empty()) << path;
    }
}

TEST(Fates, TheReferenceIsCurrent) {
  EXPECT_EQ(read_file(data + "/../../docs/reference/units.md").value_or(""), attributes_markdown())
      << "run: consort internal units-reference > docs/reference/units.md";
}

// What the file says of a container must not be read by systemd as its own: specifiers, variables, further lines.
TEST(Texts, CannotBecomeKeysOfAUnit) {
  const compose::Project project = project_of(
      "services:\n  web:\n    image: x\n    hostname: \"a\\nUser=root\"\n    container_name: web\n"
      "    command: [\"\\n[Service]\\nExecStartPre=/bin/evil\", \"%h $${HOME}\"]\n"
      "    environment: {A: \"1\\nExecStartPre=/bin/evil\"}\n"
      "    healthcheck: {test: \"true\\nExecStartPre=/bin/evil\"}\n");
  const project::DesiredProject wanted = desired(project);
  for (const Podman kind : {Podman::quadlet, Podman::services}) {
    const std::string text = text_of(podman_units(project, wanted, kind));
    for (const std::string& line : split(text, '\n'))
      EXPECT_FALSE(line.starts_with("ExecStartPre=") || line.starts_with("User=")) << text;
    EXPECT_NE(text.find("\"%%h $${HOME}\""), std::string::npos) << text;
  }
}

TEST(Names, OfTwoUnitsMustDiffer) {
  const compose::Project project = project_of("services: {web: {image: x, build: .}, web-build: {image: y}}\n");
  const auto made = podman_units(project, desired(project), Podman::quadlet);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message().find("would be one unit"), std::string::npos) << made.error().message();
}

}  // namespace
}  // namespace consort::units

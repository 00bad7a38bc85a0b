// Converts Compose files to units and notes: cases/NAME/compose.yaml must give quadlet.txt, podman.txt and systemd.txt,
// each with all units one after another, and notes. CONSORT_RECORD=1 writes them.
#include "units/units.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "units/unit_text.hpp"

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
  return text;
}

// The units contain the project's path, and wrap lines by length, so the path is always /DATA.
compose::FileAccess files_at_data() {
  const auto real = [](const std::string& path) { return path.starts_with("/DATA/") ? data + path.substr(5) : path; };
  const compose::FileAccess system = compose::system_files();
  return {.read = [=](const std::string& path) { return system.read(real(path)); },
          .is_file = [=](const std::string& path) { return system.is_file(real(path)); },
          .exists = [=](const std::string& path) { return system.exists(real(path)); },
          .resolve_links = [](const std::string& path) { return path; }};
}

class Cases : public testing::TestWithParam<const char*> {};

TEST_P(Cases, BecomeTheirUnits) {
  const std::string directory = std::string("/DATA/cases/") + GetParam();
  compose::LoadOptions options;
  options.access = files_at_data();
  options.working_directory = directory;
  options.files = {directory + "/compose.yaml"};
  if (GetParam() == std::string_view("tutorial")) options.project_name = "lms";
  const compose::Project project = loaded(options);
  const project::DesiredProject wanted = desired(project);
  const auto quadlet = podman_units(project, wanted, Podman::quadlet);
  const auto systemd = consort_units(project, wanted, "/usr/bin/consort");
  const auto is = [&](const std::string& name, const std::string& text) {
    const std::string path = data + "/cases/" + GetParam() + "/" + name;
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
  is("notes", replace_all(notes, directory + "/", ""));
}
INSTANTIATE_TEST_SUITE_P(Units, Cases, testing::Values("tutorial", "everything", "left-out"));

// No attribute of the language may be dropped silently.
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

// systemd must not interpret values from the file: specifiers, variables, additional lines.
TEST(Texts, CannotBecomeKeysOfAUnit) {
  const compose::Project project = project_of(
      "services:\n  web:\n    image: x\n    hostname: \"a\\nUser=root\"\n    container_name: web\n"
      "    command: [\"\\n[Service]\\nExecStartPre=/bin/evil\", \"%h $${HOME}\"]\n"
      "    environment: {A: \"1\\nExecStartPre=/bin/evil\"}\n"
      "    healthcheck: {test: \"true\\nExecStartPre=/bin/evil\"}\n"
      "    labels: {a: \"1\\nExecStartPre=/bin/evil\"}\n"
      "    post_start: [{command: [x, \"\\nExecStartPre=/bin/evil\", \" \\\\\\n \\nExecStartPre=/bin/evil\"]}]\n"
      "    volumes: [{type: bind, source: /x, target: \"/y\\nExecStartPre=/bin/evil\"}]\n"
      "volumes: {data: {labels: {a: \"1\\nExecStartPre=/bin/evil\"}}}\n"
      "networks: {default: {driver_opts: {a: \"1\\nExecStartPre=/bin/evil\\\\\"}}}\n");
  const project::DesiredProject wanted = desired(project);
  for (const Podman kind : {Podman::quadlet, Podman::services}) {
    const std::string text = text_of(podman_units(project, wanted, kind));
    for (const std::string& line : split(text, '\n'))
      EXPECT_FALSE(line.starts_with("ExecStartPre=") || line.starts_with("User=")) << text;
    EXPECT_NE(text.find("\"%%h $${HOME}\""), std::string::npos) << text;
  }
}

TEST(Texts, EndWithTheirLine) {
  UnitText text("a\n[Service]");
  text.set("A", "1\nB=2\r \\\n C=3\\\\\nD=4\\");
  text.set("E", "5");
  EXPECT_EQ(text.text(), "# a [Service]\nA=1 B=2  \\\n C=3\\\\ D=4\nE=5\n");
}

// Values of keys that do not support quoting.
TEST(Texts, NamesOfMoreThanALineAreRefused) {
  const std::pair<const char*, const char*> cases[] = {
      {"services.web.container_name", "services: {web: {image: x, container_name: \"a\\nUser=root\"}}\n"},
      {"networks.n.name",
       "services: {web: {image: x, networks: [n]}}\nnetworks: {n: {name: \"a\\n[Service]\\nUser=root\"}}\n"},
      {"volumes.vol.name", "services: {web: {image: x, volumes: [\"vol:/v\"]}}\nvolumes: {vol: {name: \"a\\\\\"}}\n"},
      {"services.web.build.context", "services: {web: {build: {context: \"/a\\nFile=/b\"}}}\n"},
      {"services.web.build.dockerfile", "services: {web: {build: {context: /a, dockerfile: \"b\\nc\"}}}\n"},
      {"services.web.configs",
       "services: {web: {image: x, configs: [{source: c, target: \"/a\\nb\"}]}}\nconfigs: {c: {content: x}}\n"},
  };
  for (const auto& [setting, yaml] : cases) {
    const compose::Project project = project_of(yaml);
    for (const Podman kind : {Podman::quadlet, Podman::services}) {
      const auto made = podman_units(project, desired(project), kind);
      ASSERT_FALSE(made) << setting;
      EXPECT_EQ(made.error().code(), Code::invalid);
      EXPECT_TRUE(made.error().message().starts_with(setting)) << made.error().message();
      EXPECT_TRUE(made.error().mark() && made.error().mark()->line) << setting;
    }
  }
}

// systemd shows the content of units to every local user.
TEST(Environment, IsInAFileForItsOwnerAlone) {
  const compose::Project project = project_of(
      "services:\n  web:\n    image: x\n    environment:\n      PASSWORD: 'a \"b'' $$c #d \\'\n      KEY: \"1\\n2\"\n"
      "  db: {image: x, environment: {PASSWORD: other}}\n");
  for (const Podman kind : {Podman::quadlet, Podman::services}) {
    const auto made = podman_units(project, desired(project), kind);
    ASSERT_TRUE(made) << made.error().message();
    std::size_t values = 0;
    for (const UnitFile& file : made->files) {
      const bool beside = file.path.starts_with(files_directory("app") + "/");
      EXPECT_EQ(file.text.find("PASSWORD") != std::string::npos, beside) << file.path << ":\n" << file.text;
      if (!beside) continue;
      EXPECT_EQ(file.mode, 0600U);
      EXPECT_TRUE(is_beside(file.path)) << file.path;
      const bool web = file.path.starts_with("app-files/web.env-");
      EXPECT_EQ(file.text, web ? "PASSWORD=a \"b' $c #d \\\n" : "PASSWORD=other\n");
      ++values;
    }
    EXPECT_EQ(values, 2U);
    // Podman reads only one line per variable.
    const std::string notes = compose::left_out_list(made->notes);
    EXPECT_NE(notes.find("\"KEY\" is in the unit"), std::string::npos) << notes;
  }
}

std::string line_with(const std::string& text, std::string_view part) {
  for (const std::string& line : split(replace_all(text, " \\\n", ""), '\n'))
    if (line.find(part) != std::string::npos) return line;
  return "no line with " + std::string(part) + " in\n" + text;
}

// The shell gets names outside of its script, words with spaces stay single words, and "#" at the start of a line is
// not a comment.
TEST(Commands, KeepTheirWords) {
  const compose::Project project = project_of(
      "services:\n"
      "  web:\n    image: x\n    command: [\"#a\", \";b\", c]\n    volumes: [\"vol:/v\"]\n"
      "    configs: [{source: c, target: /my file}]\n"
      "  made: {build: {context: /a b, dockerfile: D}, pull_policy: build}\n"
      "  fetched: {build: {context: \"https://example.com/a.git#main\", dockerfile: sub/D}}\n"
      "configs: {c: {content: x}}\n"
      "volumes: {vol: {name: \"x || touch '/evil'\"}}\n");
  const std::string text = text_of(podman_units(project, desired(project), Podman::services));
  EXPECT_EQ(
      line_with(text, "volume exists"),
      "ExecStart=/bin/sh -c 'podman volume exists \"$$0\" || exec \"$$@\"' \"x || touch '/evil'\" /usr/bin/podman "
      "volume create \"x || touch '/evil'\"");
  EXPECT_NE(text.find("\"--volume=%Y/app-files/c-"), std::string::npos) << text;
  EXPECT_NE(text.find(":/my file:ro\""), std::string::npos) << text;
  EXPECT_NE(text.find("\"#a\" \";b\" c\n"), std::string::npos) << text;
  EXPECT_EQ(line_with(text, "/a b/D"),
            "ExecStart=/usr/bin/podman build \"--file=/a b/D\" --tag=localhost/app-made:latest \"/a b\"");
  const std::string fetched = line_with(text, "podman image exists");
  EXPECT_NE(fetched.find(" --file=sub/D "), std::string::npos) << fetched;
  EXPECT_TRUE(fetched.ends_with(" https://example.com/a.git#main")) << fetched;
}

// systemd's default interval of ten seconds would forget earlier starts.
TEST(Restarts, OfWhatEndsAreLimitedWithoutAnInterval) {
  const compose::Project project = project_of(
      "services:\n  web: {image: x, depends_on: {once: {condition: service_completed_successfully}}}\n"
      "  once: {image: x, restart: \"on-failure:3\"}\n");
  const auto made = podman_units(project, desired(project), Podman::services);
  ASSERT_TRUE(made) << made.error().message();
  for (const UnitFile& file : made->files) {
    const bool ends = file.path == "app-once.service";
    EXPECT_EQ(file.text.find("StartLimitBurst=4") != std::string::npos, ends) << file.text;
    EXPECT_EQ(file.text.find("StartLimitIntervalSec=infinity\n") != std::string::npos, ends) << file.text;
  }
}

TEST(Names, OfTwoUnitsMustDiffer) {
  const compose::Project project = project_of("services: {web: {image: x, build: .}, web-build: {image: y}}\n");
  const auto made = podman_units(project, desired(project), Podman::quadlet);
  ASSERT_FALSE(made);
  EXPECT_NE(made.error().message().find("would have the same unit"), std::string::npos) << made.error().message();
}

}  // namespace
}  // namespace consort::units

// Compose files to manifests and notes: cases/NAME/compose.yaml gives expected.yaml and notes. CONSORT_RECORD=1 writes
// them.
#include "kube/manifests.hpp"

#include <gtest/gtest.h>

#include <cstdlib>
#include <set>

#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "kube/packages.hpp"

namespace consort::kube {
namespace {

compose::Project load(const std::string& name) {
  compose::LoadOptions options;
  options.working_directory = std::string(CONSORT_TEST_DATA) + "/cases/" + name;
  options.files = {options.working_directory + "/compose.yaml"};
  options.environment = {{"TOKEN", "abc"}};
  if (name == "tutorial") options.project_name = "lms";
  compose::LoadOutcome outcome = compose::load(options);
  EXPECT_TRUE(outcome.project) << compose::render_diagnostics(outcome.diagnostics, compose::Colour::never);
  return outcome.project.value_or(compose::Project{});
}

struct Made {
  std::string yaml;
  std::string notes;
  std::size_t refusals = 0;
};

Made make(const compose::Project& project) {
  Made made;
  const auto desired = project::desired_state(project);
  EXPECT_TRUE(desired) << desired.error().message();
  std::vector<compose::Diagnostic> refusals;
  const auto manifests = make_manifests(project, *desired, {.registry = "registry.example"}, refusals);
  made.refusals = refusals.size();
  const auto note = [&](const compose::Diagnostic& each) {
    made.notes += std::to_string(each.mark.line) + ": " + each.message + " (" + each.help + ")\n";
  };
  for (const compose::Diagnostic& each : refusals) note(each);
  if (!manifests) return made;
  for (const compose::Diagnostic& each : manifests->notes) note(each);
  made.yaml = manifests_yaml(manifests->objects).value_or("");
  made.notes = replace_all(made.notes, std::string(CONSORT_TEST_DATA), "");
  return made;
}

class Cases : public testing::TestWithParam<const char*> {};

TEST_P(Cases, BecomeTheirManifests) {
  const std::string folder = std::string(CONSORT_TEST_DATA) + "/cases/" + GetParam();
  const Made made = make(load(GetParam()));
  EXPECT_EQ(made.refusals, 0U) << made.notes;
  if (std::getenv("CONSORT_RECORD")) {
    EXPECT_TRUE(write_file_atomic(folder + "/expected.yaml", made.yaml));
    EXPECT_TRUE(write_file_atomic(folder + "/notes", made.notes));
  }
  EXPECT_EQ(made.yaml, read_file(folder + "/expected.yaml").value_or(""));
  EXPECT_EQ(made.notes, read_file(folder + "/notes").value_or(""));
}

// What others keep of it: packages/FORMAT/PATH beside the case's file.
TEST(Packages, AreTheirFiles) {
  const compose::Project project = load("tutorial");
  std::vector<compose::Diagnostic> refusals;
  const auto manifests =
      make_manifests(project, project::desired_state(project).value_or(project::DesiredProject{}), {}, refusals);
  ASSERT_TRUE(manifests);
  const auto check = [](const std::string& format, const Result<std::vector<PackagedFile>>& files) {
    ASSERT_TRUE(files);
    for (const PackagedFile& file : *files) {
      const std::string path = std::string(CONSORT_TEST_DATA) + "/packages/" + format + "/" + file.path;
      if (std::getenv("CONSORT_RECORD")) {
        EXPECT_TRUE(make_directories(dir_name(path)) && write_file_atomic(path, file.text));
      }
      EXPECT_EQ(file.text, read_file(path).value_or("")) << path;
    }
  };
  check("kustomize", kustomize_base(*manifests, project.name));
  check("helm", helm_chart(*manifests, project.name));
}

INSTANTIATE_TEST_SUITE_P(Manifests, Cases, testing::Values("tutorial", "everything", "left-out"));

compose::Project project_of(const std::string& yaml) {
  compose::LoadOptions options;
  options.files = {"/app/compose.yaml"};
  options.working_directory = "/app";
  options.project_name = "app";
  options.access.read = [yaml](const std::string&) -> Result<std::string> { return yaml; };
  options.access.is_file = options.access.exists = [](const std::string& path) { return path == "/app/compose.yaml"; };
  options.access.resolve_links = [](const std::string& path) { return path; };
  compose::LoadOutcome outcome = compose::load(options);
  EXPECT_TRUE(outcome.project) << compose::render_diagnostics(outcome.diagnostics, compose::Colour::never);
  return outcome.project.value_or(compose::Project{});
}

TEST(Refusals, AreToldWithTheirLines) {
  for (const auto& [line, words] :
       {std::pair("network_mode: none", "network_mode"), std::pair("user: postgres", "is a name"),
        std::pair("devices: [/dev/kvm]", "devices"), std::pair("volumes: [/nowhere/at/all:/x]", "it is not there"),
        std::pair("volumes: [/dev/null:/x]", "neither a file nor a directory"),
        std::pair("extra_hosts: [\"a:host-gateway\"]", "host-gateway"),
        std::pair("use_api_socket: true", "use_api_socket"),
        std::pair("deploy: {placement: {constraints: [\"node.role==worker\"]}}", "constraint"),
        std::pair("pre_start: [{command: x}]", "pre_start"), std::pair("ipc: \"container:x\"", "ipc")}) {
    const Made made = make(project_of("services:\n  web:\n    image: x\n    " + std::string(line) + "\n"));
    EXPECT_EQ(made.refusals, 1U) << line << "\n" << made.notes;
    EXPECT_TRUE(made.notes.starts_with("4: ")) << made.notes;
    EXPECT_NE(made.notes.find(words), std::string::npos) << made.notes;
    EXPECT_EQ(made.yaml, "");
  }
}

// The objects of a file with these options, as one text.
std::string objects_of(const std::string& yaml, const ManifestOptions& options) {
  const compose::Project project = project_of(yaml);
  std::vector<compose::Diagnostic> refusals;
  const auto made =
      make_manifests(project, project::desired_state(project).value_or(project::DesiredProject{}), options, refusals);
  return made ? manifests_yaml(made->objects).value_or("") : made.error().message();
}

TEST(Waits, AreForNamesThatStandForReadyPods) {
  const std::string yaml =
      "services:\n  db: {image: db, healthcheck: {test: ok}}\n  job: {image: job}\n  api: {image: api}\n"
      "  web:\n    image: web\n    depends_on:\n      db: {condition: service_healthy}\n      api: {condition: "
      "service_started}\n"
      "      job: {condition: service_completed_successfully}\n";
  const std::string made = objects_of(yaml, {.wait_image = "registry.example/consort-wait@sha256:1"});
  EXPECT_NE(
      made.find("        - args:\n            - api\n            - db-is-ready\n"
                "          image: registry.example/consort-wait@sha256:1\n          name: wait-for-dependencies\n"),
      std::string::npos)
      << made;
  const std::size_t ready = made.find("name: db-is-ready\n");
  ASSERT_NE(ready, std::string::npos);
  const std::string service = made.substr(ready, made.find("---", ready) - ready);
  EXPECT_EQ(service.find("publishNotReadyAddresses"), std::string::npos) << service;
  EXPECT_EQ(objects_of(yaml, {}).find("is-ready"), std::string::npos);
}

TEST(Rollout, WaitsForWhatListensAndGoesWithNotice) {
  const auto with = [](const std::string& rest, Parting parting = Parting::action) {
    return objects_of("services:\n  web: {image: x, " + rest + "}\n", {.parting = parting});
  };
  const auto has = [](const std::string& text, const char* words) { return text.find(words) != std::string::npos; };
  const std::string one = with("ports: [\"80:8000\"]"), two = with("ports: [\"80:8000\", \"90:9000\"]");
  EXPECT_TRUE(has(one, "startupProbe") && has(one, "port: 8000") && has(one, "seconds: 3")) << one;
  EXPECT_TRUE(has(one, "terminationGracePeriodSeconds: 13")) << one;
  EXPECT_TRUE(!has(two, "startupProbe") && has(two, "preStop")) << two;  // one of them may never be open
  const std::string old = with("expose: [\"80\"]", Parting::command);
  EXPECT_TRUE(has(old, "readinessProbe") && has(old, "- sleep\n")) << old;
  const std::string own = with("expose: [\"80\"], healthcheck: {test: ok}, pre_stop: [{command: [bye]}]");
  EXPECT_TRUE(!has(own, "tcpSocket") && !has(own, "sleep") && has(own, "PeriodSeconds: 10")) << own;
  for (const char* nobody_comes : {"command: x", "restart: \"no\", expose: [\"80\"]"}) {
    const std::string alone = with(nobody_comes);
    EXPECT_TRUE(!has(alone, "preStop") && !has(alone, "startupProbe")) << alone;
  }
}

TEST(Packages, HaveRoomForAServiceThatIsCalledAsTheirOwnFile) {
  const compose::Project project = project_of("services:\n  kustomization: {image: x}\n");
  std::vector<compose::Diagnostic> refusals;
  const auto manifests =
      make_manifests(project, project::desired_state(project).value_or(project::DesiredProject{}), {}, refusals);
  ASSERT_TRUE(manifests);
  const auto files = kustomize_base(*manifests, "app");
  ASSERT_TRUE(files);
  std::set<std::string> paths;
  for (const PackagedFile& file : *files) EXPECT_TRUE(paths.insert(file.path).second) << file.path;
  EXPECT_TRUE(paths.contains("service-kustomization.yaml") && paths.contains("kustomization.yaml"));
}

TEST(Names, OfTwoServicesMustNotBecomeOne) {
  const Made made = make(project_of("services:\n  my_web: {image: x}\n  my-web: {image: x}\n"));
  EXPECT_EQ(made.refusals, 1U) << made.notes;
}

TEST(Names, AreThoseOfTheApi) {
  EXPECT_EQ(object_name("My_App.1"), "my-app-1");
  EXPECT_EQ(object_name("--x--"), "x");
  EXPECT_EQ(object_name("1st"), "n1st");
  EXPECT_EQ(object_name(std::string(100, 'a')).size(), 63U);
  EXPECT_TRUE(is_service_name("db-1"));
  EXPECT_FALSE(is_service_name("lms_postgres"));
}

}  // namespace
}  // namespace consort::kube

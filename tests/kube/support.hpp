// Makes manifests from files in cases/ and from texts.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/strings.hpp"
#include "kube/manifests.hpp"

namespace consort::kube {

inline compose::Project load(const std::string& name) {
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

inline Made make(const compose::Project& project) {
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

inline compose::Project project_of(const std::string& yaml) {
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

}  // namespace consort::kube

// Files with typical mistakes: tests the exact diagnostics, and that safe fixes repair what they claim to.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "run_config.hpp"

namespace consort::compose {
namespace {

namespace fs = std::filesystem;

fs::path corpus() {
  return fs::path(CONSORT_TEST_DATA) / "broken";
}

std::string slurp(const fs::path& path) {
  auto text = read_file(path);
  return text ? *text : std::string();
}

class Broken : public testing::TestWithParam<std::string> {};

TEST_P(Broken, IsExplained) {
  const fs::path directory = corpus() / GetParam();
  const ConfigRun run = run_config({"config"}, directory, {{"HOME", "/root"}});
  EXPECT_EQ(replace_all(run.err, directory.string(), "@DIR@"), slurp(directory / "expected.txt"));
  EXPECT_NE(run.err.find(".yaml:"), std::string::npos) << "every diagnostic names a place";
}

LoadOptions options_in(const std::string& directory, const std::string& text) {
  LoadOptions options;
  options.working_directory = directory;
  options.files = {"compose.yaml"};
  options.access.read = [text, directory](const std::string& path) -> Result<std::string> {
    if (path == directory + "/compose.yaml") return text;
    if (path.starts_with(directory) && fs::exists(path)) return read_file(path);
    return fail(Code::not_found, "open " + path);
  };
  return options;
}

bool has_certain_fix(const Diagnostic& each) {
  return std::ranges::any_of(each.fixes, [](const Fix& fix) { return fix.certainty == Certainty::certain; });
}

TEST_P(Broken, CertainFixesLeaveNothingWorse) {
  const std::string directory = corpus() / GetParam();
  const std::string text = slurp(directory + "/compose.yaml");
  const LoadOutcome before = load(options_in(directory, text));
  const std::string fixed = apply_fixes(text, directory + "/compose.yaml", before.diagnostics);
  if (fixed == text) return;
  const LoadOutcome after = load(options_in(directory, fixed));
  // What was repaired is gone; the next mistake may only show now.
  for (const Diagnostic& each : before.diagnostics) {
    const auto count = [&](const LoadOutcome& outcome) {
      return std::ranges::count(outcome.diagnostics, each.code, &Diagnostic::code);
    };
    if (has_certain_fix(each)) {
      EXPECT_LT(count(after), count(before)) << fixed << render_diagnostics(after.diagnostics, Colour::never);
    }
  }
}

// A repair may reveal another mistake that can be repaired. That must come to an end, and must lose nothing.
TEST_P(Broken, FixingSettlesAndKeepsComments) {
  const std::string directory = corpus() / GetParam();
  std::string text = slurp(directory + "/compose.yaml");
  const auto comments = std::ranges::count(text, '#');
  for (int round = 0;; ++round) {
    const std::string fixed =
        apply_fixes(text, directory + "/compose.yaml", load(options_in(directory, text)).diagnostics);
    if (fixed == text) break;
    ASSERT_LT(round, 6) << fixed;
    text = fixed;
  }
  EXPECT_GE(std::ranges::count(text, '#'), comments) << text;
}

// If there is a safe fix for each error, the repaired file loads.
TEST_P(Broken, FixedFilesLoad) {
  // For these, the repair reveals a mistake that only the user can repair: a missing file, a meaningless value.
  const std::vector<std::string> second_mistakes{
      "extends-file-broken",    "include-broken",          "includes-key", "networks-string", "unknown-env-file",
      "unknown-container-name", "unknown-stop-grace-perod"};
  if (std::ranges::count(second_mistakes, GetParam())) return;
  const std::string directory = corpus() / GetParam();
  const std::string path = directory + "/compose.yaml";
  LoadOutcome outcome = load(options_in(directory, slurp(path)));
  for (const Diagnostic& each : outcome.diagnostics) {
    if (each.severity == Severity::error && !has_certain_fix(each)) return;
  }
  std::string text = outcome.texts.at(path);  // in UTF-8, whatever the file's encoding
  for (int round = 0; round < 6; ++round) {
    text = apply_fixes(text, path, outcome.diagnostics);
    outcome = load(options_in(directory, text));
  }
  EXPECT_TRUE(outcome.project) << text << render_diagnostics(outcome.diagnostics, Colour::never);
}

std::vector<std::string> names() {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(corpus())) found.push_back(entry.path().filename());
  std::ranges::sort(found);
  return found;
}

INSTANTIATE_TEST_SUITE_P(Corpus, Broken, testing::ValuesIn(names()),
                         [](const auto& each) { return replace_all(each.param, "-", "_"); });

TEST(Tutorial, AsPrintedIsRepairedAndLoads) {
  const std::string directory = corpus() / "tutorial-as-printed";
  const std::string text = slurp(directory + "/compose.yaml");
  const LoadOutcome before = load(options_in(directory, text));
  std::vector<std::string> codes;
  for (const Diagnostic& each : before.diagnostics) codes.push_back(each.code);
  for (const char* code : {"equals-for-colon", "not-indented", "misspelled-tag"}) {
    EXPECT_EQ(std::ranges::count(codes, code), 1) << code;
  }
  const std::string fixed = apply_fixes(text, directory + "/compose.yaml", before.diagnostics);
  const LoadOutcome after = load(options_in(directory, fixed));
  ASSERT_TRUE(after.project) << render_diagnostics(after.diagnostics, Colour::never);
  EXPECT_EQ(after.project->services.at("db").image, "postgres:15-alpine");
  EXPECT_EQ(after.project->services.at("web").depends_on.at("db").condition, DependencyCondition::healthy);
  EXPECT_NE(fixed.find("# Django API Service"), std::string::npos) << "comments stay";
}

}  // namespace
}  // namespace consort::compose

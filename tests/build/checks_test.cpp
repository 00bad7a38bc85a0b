// Every Dockerfile in check-cases/ must give the warnings that `docker build --call=lint` gave when it was recorded
// (see record-checks).
#include <gmock/gmock.h>

#include <filesystem>

#include "base/strings.hpp"
#include "cases.hpp"
#include "support.hpp"

namespace consort::build {
namespace {

using test::World;

std::string lines_of(const std::vector<Warning>& warnings) {
  std::string text;
  for (const auto& warning : warnings)
    text += warning.rule + " " + std::to_string(warning.at.line) + " " + warning.message + "\n";
  return text;
}

TEST(Checks, EveryCaseWarnsAsDockerDid) {
  std::string why;
  const auto world = World::make(why);
  if (!world) GTEST_SKIP() << why;
  const char* only = ::getenv("CONSORT_CASE");
  for (const auto& file : std::filesystem::directory_iterator(test::data_file("check-cases"))) {
    const std::string name = file.path().stem();
    if (only && name != only) continue;
    SCOPED_TRACE(name);
    const auto sections = test::read_case(file.path());
    BuildRequest request;
    request.context = world->new_directory();
    request.goal = Goal::check_only;
    world->write(request.context + "/a", "a");
    world->write(request.context + "/other", "o");
    world->write(request.context + "/ignored/file", "f");
    world->write(request.context + "/.dockerignore", "ignored\nother\n");
    world->write(request.context + "/Dockerfile", test::section(sections, "dockerfile"));
    const auto checked = world->build(request);
    if (test::has_section(sections, "error")) {
      if (checked) {
        ADD_FAILURE() << "no error, but: " << lines_of(checked->warnings);
      } else {
        EXPECT_EQ(checked.error().message(), trim(test::section(sections, "error")));
      }
      continue;
    }
    ASSERT_TRUE(checked) << checked.error().message();
    EXPECT_EQ(lines_of(checked->warnings), test::section(sections, "warnings"));
  }
}

TEST(Checks, OfATargetLookAtNoOtherStage) {
  std::string why;
  const auto world = World::make(why);
  if (!world) GTEST_SKIP() << why;
  BuildRequest request;
  request.context = world->new_directory();
  request.goal = Goal::check_only;
  request.target = "wanted";
  world->write(request.context + "/Dockerfile", "FROM no.example/such:1\nCMD a\nFROM bb:1 AS wanted\nWORKDIR b\n");
  const auto checked = world->build(request);
  ASSERT_TRUE(checked) << checked.error().message();
  EXPECT_EQ(lines_of(checked->warnings),
            "WorkdirRelativePath 4 Relative workdir \"b\" can have unexpected results if the base image changes\n");
}

}  // namespace
}  // namespace consort::build

#include "project/exec/build_log.hpp"

#include <gmock/gmock.h>

#include <thread>

namespace consort::project {
namespace {

struct Screen final : Progress {
  void begin(std::string_view) override {}
  void event(const ProgressEvent&) override {}
  void step(const BuildStep& step) override { steps.push_back(step); }
  void finish() override {}
  void output(std::string_view shown) override { text += shown; }
  void log(std::string_view) override {}
  void warn(const std::string&) override {}
  std::string text;
  std::vector<BuildStep> steps;
};

build::ProgressEvent event_of(int id, const char* title, build::StepState state, std::string output = {}) {
  build::ProgressEvent event;
  event.id = id;
  event.text = title;
  event.number = id;
  event.state = state;
  event.output = std::move(output);
  return event;
}

TEST(BuildLog, TellsTheStepsOfAllBuildsApart) {
  using enum build::StepState;
  Screen screen;
  BuildLog log(screen, Detail::all, BuildLog::Builds::several);
  log.event("web", event_of(1, "[2/2] RUN make", started));
  log.event("db", event_of(1, "[db 2/2] RUN x", started));
  log.event("web", event_of(1, "[2/2] RUN make", output, "one\ntw"));
  log.event("web", event_of(1, "[2/2] RUN make", done));
  ASSERT_EQ(screen.steps.size(), 4u);
  EXPECT_EQ(screen.steps[0].title, "[web 2/2] RUN make");
  EXPECT_EQ(screen.steps[1].title, "[db db 2/2] RUN x");
  EXPECT_NE(screen.steps[0].id, screen.steps[1].id);
  EXPECT_EQ(screen.steps[0].id, screen.steps[2].id);
  EXPECT_NE(screen.steps[0].stage, screen.steps[1].stage);
  EXPECT_EQ(screen.steps[2].output, "one\ntw");
  EXPECT_THAT(screen.steps[2].lines, testing::ElementsAre(testing::MatchesRegex("[0-9]+\\.[0-9]+ one")));
  EXPECT_THAT(screen.steps[3].lines, testing::ElementsAre(testing::MatchesRegex("[0-9]+\\.[0-9]+ tw")));
}

TEST(BuildLog, TakesWhatSeveralBuildsSayAtOnce) {
  using enum build::StepState;
  Screen screen;
  BuildLog log(screen, Detail::all, BuildLog::Builds::several);
  {
    std::vector<std::jthread> builds;
    for (const char* service : {"web", "db", "mail"}) {
      builds.emplace_back([&log, service] {
        for (int i = 0; i < 100; ++i) log.event(service, event_of(i % 5, "[1/1] RUN make", output, "line\n"));
        log.failure(service, {.title = "[1/1] RUN make"});
      });
    }
  }
  EXPECT_EQ(screen.steps.size(), 300u);
}

TEST(BuildLog, ShowsTheLastLinesOfAFailureEvenIfQuiet) {
  using enum build::StepState;
  Screen screen;
  BuildLog log(screen, Detail::quiet, BuildLog::Builds::one);
  std::string lines;
  for (int i = 0; i < 12; ++i) lines += "line " + std::to_string(i) + "\n";
  log.event("web", event_of(1, "[2/2] RUN make", started));
  log.event("web", event_of(1, "[2/2] RUN make", output, lines + "end"));
  log.event("web", event_of(1, "[2/2] RUN make", error));
  EXPECT_EQ(screen.text, "");
  EXPECT_TRUE(screen.steps.empty());
  log.failure("web", {.title = "[2/2] RUN make"});
  EXPECT_THAT(screen.text, testing::StartsWith("------\n > [2/2] RUN make:\n"));
  EXPECT_THAT(screen.text, testing::HasSubstr("line 3\n"));
  EXPECT_THAT(screen.text, testing::Not(testing::HasSubstr("line 2\n")));
  EXPECT_THAT(screen.text, testing::EndsWith(" end\n------\n"));
}

TEST(CheckReport, IsDockersWithTheColumn) {
  const build::Warning warning{"FromAsCasing", "", "casing", "https://page/", {"/c/Dockerfile", 1, 3, 0}};
  EXPECT_EQ(check_report("web", {warning}, "FROM x as y\n"),
            "web\n\nCheck complete, 1 warning has been found!\n\nWARNING: FromAsCasing - https://page/\ncasing\n"
            "/c/Dockerfile:1:3\n--------------------\n   1 | >>> FROM x as y\n--------------------\n");
  EXPECT_EQ(check_report("web", {}, ""), "web\n\nCheck complete, no warnings found.\n");
}

}  // namespace
}  // namespace consort::project

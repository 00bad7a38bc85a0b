#include "project/exec/build_log.hpp"

#include <gmock/gmock.h>

namespace consort::project {
namespace {

struct Screen final : Progress {
  void begin(std::string_view) override {}
  void event(const ProgressEvent&) override {}
  void finish() override {}
  void output(std::string_view shown) override { text += shown; }
  void warn(const std::string&) override {}
  std::string text;
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

// Output lines carry times, which no test knows.
std::string without_times(std::string text) {
  for (auto dot = text.find('.'); dot != std::string::npos; dot = text.find('.', dot + 1)) {
    if (dot == 0 || !std::isdigit(text[dot - 1]) || dot + 3 >= text.size() || !std::isdigit(text[dot + 3])) continue;
    auto begin = dot;
    while (std::isdigit(text[begin - 1])) --begin;
    text.replace(begin, dot + 4 - begin, "T");
    dot = begin;
  }
  return text;
}

TEST(BuildLog, ShowsOneStepAfterTheOtherAndNumbersThroughAllBuilds) {
  using enum build::StepState;
  Screen screen;
  BuildLog log(screen, Detail::all, BuildLog::Builds::several);
  log.event("web", event_of(1, "[2/2] RUN make", started));
  log.event("web", event_of(1, "[2/2] RUN make", output, "one\ntw"));
  log.event("db", event_of(1, "[db 2/2] RUN x", started));
  log.event("db", event_of(1, "[db 2/2] RUN x", output, "there\n"));
  log.event("web", event_of(1, "[2/2] RUN make", output, "o\n"));
  log.event("web", event_of(1, "[2/2] RUN make", done));
  log.event("db", event_of(1, "[db 2/2] RUN x", error));
  EXPECT_EQ(without_times(screen.text),
            "#1 [web 2/2] RUN make\n#1 T one\n#1 T two\n#1 DONE 0.0s\n\n"
            "#2 [db db 2/2] RUN x\n#2 T there\n#2 ERROR: \n");
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

#include "buildkit/solve/progress.hpp"

#include <gtest/gtest.h>

namespace consort::buildkit {
namespace {

class Progress : public testing::Test {
 protected:
  static build::ProgressEvent event(int id, const std::string& text, build::StepState state,
                                    const std::string& output = {}) {
    build::ProgressEvent event;
    event.id = id;
    event.text = text;
    event.stage = text.starts_with("exporting") ? "internal" : "web";
    event.state = state;
    event.output = output;
    return event;
  }
  std::vector<wire::StatusResponse> told() {
    job_.end();
    std::vector<wire::StatusResponse> all;
    for (auto next = job_.next_status({}); next && *next; next = job_.next_status({})) {
      wire::StatusResponse& status = all.emplace_back();
      status.ParseFromString(**next);
    }
    return all;
  }
  Job job_{"ref"};
  ProgressFeed feed_{job_};
};

TEST_F(Progress, StepsKeepTheirNameAndHaveTheirOutput) {
  feed_.take(event(1, "[web 1/2] RUN make", build::StepState::started));
  feed_.take(event(1, "[web 1/2] RUN make", build::StepState::output, "cc\n"));
  feed_.take(event(2, "[web 2/2] RUN test", build::StepState::cached));
  build::ProgressEvent failed = event(1, "[web 1/2] RUN make", build::StepState::error);
  failed.message = "exit code: 2";
  feed_.take(failed);
  const auto all = told();
  ASSERT_EQ(all.size(), 4U);
  const std::string digest = all[0].vertexes(0).digest();
  EXPECT_TRUE(digest.starts_with("sha256:"));
  EXPECT_EQ(all[0].vertexes(0).name(), "[web 1/2] RUN make");
  EXPECT_FALSE(all[0].vertexes(0).has_completed());
  EXPECT_EQ(all[1].logs(0).vertex(), digest);
  EXPECT_EQ(all[1].logs(0).msg(), "cc\n");
  EXPECT_EQ(all[1].logs(0).stream(), 1);
  EXPECT_TRUE(all[2].vertexes(0).cached());
  EXPECT_NE(all[2].vertexes(0).digest(), digest);
  EXPECT_EQ(all[3].vertexes(0).digest(), digest);
  EXPECT_EQ(all[3].vertexes(0).error(), "exit code: 2");
  EXPECT_EQ(feed_.cached_steps(), 1);
}

TEST_F(Progress, WhatTheBuilderSaysOfItsOwnStepsAreParts) {
  feed_.take(
      event(1, "exporting to image", build::StepState::output, "writing image sha256:1 done\nnaming to x done\n"));
  const auto all = told();
  ASSERT_EQ(all.size(), 1U);
  ASSERT_EQ(all[0].statuses_size(), 2);
  EXPECT_EQ(all[0].statuses(0).id(), "writing image sha256:1");
  EXPECT_TRUE(all[0].statuses(0).has_completed());
}

TEST_F(Progress, ALongLogIsClippedOnce) {
  for (int i = 0; i < 40; ++i)
    feed_.take(event(1, "[web 1/1] RUN yes", build::StepState::output, std::string(100'000, 'y')));
  std::size_t bytes = 0, notes = 0;
  for (const wire::StatusResponse& status : told())
    for (const wire::VertexLog& log : status.logs()) {
      bytes += log.msg().size();
      notes += log.msg().find("log limit 2MiB reached") != std::string::npos;
    }
  EXPECT_LT(bytes, 3U << 20);
  EXPECT_EQ(notes, 1U);
}

TEST_F(Progress, AStepOfOursThatIsLeftHasFailed) {
  { const ProgressFeed::Step step(feed_, "[internal] load build context"); }
  const auto all = told();
  EXPECT_EQ(all.back().vertexes(0).error(), "context canceled");
}

}  // namespace
}  // namespace consort::buildkit

// What transfers and builds say, as Docker's tools read it.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/api/build_lines.hpp"
#include "serve/api/transfer_lines.hpp"

namespace consort::serve {
namespace {

using image::Phase;
using testing::ElementsAre;

class LinesTest : public testing::Test {
 protected:
  // "id: status" of each line, or what a build says.
  std::vector<std::string> said_;
  const Call::LineWriter line_ = [this](const Json& line) -> Result<> {
    const std::string id = get_string(line, "id"), stream = get_string(line, "stream");
    said_.push_back(stream.empty() ? (id.empty() ? "" : id + ": ") + get_string(line, "status") : stream);
    last_ = line;
    return {};
  };
  Json last_;
};

TEST_F(LinesTest, ALayerIsPulledInDockersSteps) {
  TransferLines lines(line_, Direction::pull, {{"status", "Pulling from library/x"}, {"id", "1"}});
  EXPECT_TRUE(lines.tell({.id = "", .phase = Phase::resolving}));
  EXPECT_TRUE(said_.empty());  // so an error has a status of its own
  EXPECT_TRUE(lines.tell({.id = "aa", .phase = Phase::downloading, .current = 5, .total = 10}));
  EXPECT_EQ(last_["progressDetail"], (Json{{"current", 5}, {"total", 10}}));
  EXPECT_TRUE(lines.tell({.id = "aa", .phase = Phase::extracting, .current = 7}));
  EXPECT_TRUE(lines.tell({.id = "aa", .phase = Phase::done}));
  EXPECT_TRUE(lines.tell({.id = "bb", .phase = Phase::exists}));
  EXPECT_THAT(said_, ElementsAre("1: Pulling from library/x", "aa: Pulling fs layer", "aa: Downloading",
                                 "aa: Download complete", "aa: Extracting", "aa: Pull complete", "bb: Already exists"));
}

TEST_F(LinesTest, ALayerIsPushedInDockersSteps) {
  TransferLines lines(line_, Direction::push, {{"status", "The push refers to repository [r]"}});
  for (const Phase phase : {Phase::waiting, Phase::preparing, Phase::uploading, Phase::done})
    EXPECT_TRUE(lines.tell({.id = "aa", .phase = phase, .current = 1, .total = 2}));
  EXPECT_THAT(said_, ElementsAre("The push refers to repository [r]", "aa: Preparing", "aa: Waiting", "aa: Pushing",
                                 "aa: Pushed"));
}

TEST(ProgressBar, IsFiftyWide) {
  EXPECT_EQ(progress_bar(1'000'000, 2'000'000), "[" + std::string(25, '=') + ">" + std::string(25, ' ') + "]  1MB/2MB");
  EXPECT_EQ(progress_bar(3, 2), "[" + std::string(50, '=') + "]  3B/2B");
  EXPECT_EQ(progress_bar(3, 0), "3B");
}

TEST_F(LinesTest, AStepIsAnnouncedOnceAndItsFailureHasTheClassicWords) {
  BuildLines lines(line_, BuildLines::Quiet::no);
  build::ProgressEvent event{.id = 3, .stage = "web", .number = 2, .total = 5, .text = "[web 2/5] RUN make"};
  EXPECT_TRUE(lines.tell({.id = 1, .stage = "internal", .text = "load the definition"}));
  EXPECT_TRUE(lines.tell(event));
  event.state = build::StepState::output;
  event.output = "made \xff\n";  // programs write anything
  EXPECT_TRUE(lines.tell(event));
  EXPECT_THAT(said_, ElementsAre("Step 2/5 : RUN make", "\n", "made \xEF\xBF\xBD\n"));
  EXPECT_TRUE(lines.failed(Error(Code::invalid, "process"), event.text, 2));
  EXPECT_EQ(last_["errorDetail"],
            (Json{{"code", 2}, {"message", "The command '/bin/sh -c make' returned a non-zero code: 2"}}));
}

TEST_F(LinesTest, AQuietBuildSaysItsImageAlone) {
  BuildLines lines(line_, BuildLines::Quiet::yes);
  EXPECT_TRUE(lines.tell({.id = 3, .stage = "web", .number = 2, .total = 5, .text = "[web 2/5] RUN make"}));
  EXPECT_TRUE(lines.succeeded("sha256:" + std::string(64, 'a'), {"x:1"}));
  EXPECT_THAT(said_, ElementsAre("sha256:" + std::string(64, 'a') + "\n"));
}

}  // namespace
}  // namespace consort::serve

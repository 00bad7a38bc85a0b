// Messages of transfers and builds, as Docker's tools read them.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "serve/api/images/build_lines.hpp"
#include "serve/api/images/transfer_lines.hpp"

namespace consort::serve {
namespace {

using image::Phase;
using testing::ElementsAre;

class LinesTest : public testing::Test {
 protected:
  // "id: status" of each line, or a build's output.
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
  EXPECT_TRUE(said_.empty());  // so that an error can still have a status of its own
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

using build::PlannedInstruction;
using build::StepState;

std::vector<PlannedInstruction> outline() {
  using enum PlannedInstruction::Kind;
  return {{.text = "FROM x AS one", .stage = "one", .kind = from, .base = "sha256:" + std::string(64, 'b')},
          {.text = "ENV A=1", .stage = "one"},
          {.text = "RUN make", .stage = "one", .number = 2, .kind = run},
          {.text = "FROM scratch", .stage = "two", .kind = from},
          {.text = "COPY --from=one /a /a", .stage = "two", .number = 1, .kind = copy},
          {.text = "CMD [\"/a\"]", .stage = "two"}};
}

// Removes each run of hexadecimal digits that is as long as a short id.
std::string without_ids(std::string text) {
  for (std::size_t i = 0; i + 12 <= text.size(); ++i)
    if (text.find_first_not_of("0123456789abcdef", i) >= i + 12) text.replace(i, 12, "ID");
  return text;
}

TEST_F(LinesTest, InstructionsAreToldInTheOrderOfTheFileWithWhatBecomesOfThem) {
  BuildLines lines(line_, {});
  lines.begin(outline());
  build::ProgressEvent make{.stage = "one", .number = 2, .text = "[one 2/2] RUN make"};
  EXPECT_TRUE(lines.tell({.stage = "internal", .text = "load the definition"}));
  // The other stage is faster, and waits for its turn.
  EXPECT_TRUE(lines.tell({.stage = "two", .number = 1, .state = StepState::done}));
  EXPECT_TRUE(lines.tell(make));
  make.state = StepState::output;
  make.output = "made \xff\n";  // programs may write any bytes
  EXPECT_TRUE(lines.tell(make));
  make.output = "warned\n";
  make.from_stderr = true;
  EXPECT_TRUE(lines.tell(make));
  make.state = StepState::done;
  EXPECT_TRUE(lines.tell(make));
  EXPECT_TRUE(lines.succeeded("sha256:" + std::string(64, 'a'), BuildLines::Before::unknown, {"x:1"}));
  std::string text;
  for (const std::string& part : said_) text += part;
  EXPECT_EQ(without_ids(text),
            "Step 1/6 : FROM x AS one\n ---> ID\n"
            "Step 2/6 : ENV A=1\n ---> Running in ID\n ---> Removed intermediate container ID\n ---> ID\n"
            "Step 3/6 : RUN make\n ---> Running in ID\nmade \xEF\xBF\xBD\n\x1b[91mwarned\n\x1b[0m"
            " ---> Removed intermediate container ID\n ---> ID\n"
            "Step 4/6 : FROM scratch\n ---> \nStep 5/6 : COPY --from=one /a /a\n ---> ID\n"
            "Step 6/6 : CMD [\"/a\"]\n ---> Running in ID\n ---> Removed intermediate container ID\n ---> ID\n"
            "Successfully built ID\nSuccessfully tagged x:1\n");
}

// A warning as the first output would make the answer for a bad file a 200.
TEST_F(LinesTest, WarningsFollowTheFirstInstruction) {
  BuildLines lines(line_, {});
  EXPECT_TRUE(lines.warn("early"));
  lines.begin(outline());
  EXPECT_TRUE(said_.empty());
  EXPECT_TRUE(lines.tell({.stage = "one", .number = 2, .text = "RUN make"}));
  EXPECT_TRUE(lines.tell({.stage = "one", .number = 2, .state = StepState::done}));
  EXPECT_THAT(said_, testing::Contains(" ---> [Warning] early\n").Times(1));
  EXPECT_EQ(said_[2], " ---> [Warning] early\n");
  EXPECT_TRUE(lines.warn("late"));
  EXPECT_EQ(said_.back(), " ---> [Warning] late\n");
}

TEST_F(LinesTest, ASettingIsFromTheCacheIfWhatFollowsIs) {
  BuildLines lines(line_, {});
  lines.begin(outline());
  EXPECT_TRUE(lines.tell({.stage = "one", .number = 2, .state = StepState::cached}));
  EXPECT_TRUE(lines.tell({.stage = "two", .number = 1, .state = StepState::cached}));
  EXPECT_TRUE(lines.succeeded("sha256:" + std::string(64, 'a'), BuildLines::Before::known, {}));
  EXPECT_EQ(std::ranges::count(said_, " ---> Using cache\n"), 4);
  EXPECT_EQ(said_.end()[-3], " ---> " + std::string(12, 'a') + "\n");
}

TEST_F(LinesTest, TheLastStepIsTheImage) {
  BuildLines lines(line_, {});
  auto rows = outline();
  rows.resize(3);
  lines.begin(rows);
  EXPECT_TRUE(lines.tell({.stage = "one", .number = 2, .state = StepState::done}));
  EXPECT_TRUE(lines.succeeded("sha256:" + std::string(64, 'a'), BuildLines::Before::unknown, {}));
  EXPECT_THAT(said_, testing::Contains(" ---> " + std::string(12, 'a') + "\n"));
  // The container that is named as running is the one named as removed, whatever the outcome.
  const auto after = [&](const std::string& words) {
    std::string last;
    for (const std::string& said : said_)
      if (said.starts_with(words)) last = said.substr(words.size());
    return last;
  };
  EXPECT_NE(after(" ---> Running in "), "");
  EXPECT_EQ(after(" ---> Running in "), after(" ---> Removed intermediate container "));
}

TEST_F(LinesTest, AFailureHasTheClassicWords) {
  BuildLines lines(line_, {});
  lines.begin(outline());
  EXPECT_TRUE(lines.tell({.stage = "one", .number = 2, .state = StepState::error}));
  EXPECT_EQ(without_ids(said_.back()), " ---> Running in ID\n");
  EXPECT_TRUE(lines.failed(Error(Code::invalid, "process"), "[one 2/2] RUN make", 2));
  EXPECT_EQ(last_["errorDetail"],
            (Json{{"code", 2}, {"message", "The command '/bin/sh -c make' returned a non-zero code: 2"}}));
}

TEST_F(LinesTest, AQuietBuildSaysItsImageAlone) {
  BuildLines lines(line_, {.quiet = BuildLines::Options::Quiet::yes});
  EXPECT_TRUE(lines.warn("odd"));
  lines.begin(outline());
  EXPECT_TRUE(lines.tell({.stage = "one", .number = 2, .state = StepState::done}));
  EXPECT_TRUE(lines.succeeded("sha256:" + std::string(64, 'a'), BuildLines::Before::unknown, {"x:1"}));
  EXPECT_THAT(said_, ElementsAre("sha256:" + std::string(64, 'a') + "\n"));
}

}  // namespace
}  // namespace consort::serve

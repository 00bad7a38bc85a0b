// A stop: who gets the signal, who is waited for, and for how long.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <chrono>
#include <thread>

#include "base/os/processes/process.hpp"
#include "base/strings.hpp"
#include "project.hpp"

namespace consort::supervisor {
namespace {

using testing::HasSubstr;

class StopTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = TestProject::why_not(); !reason.empty()) GTEST_SKIP() << reason;
  }
};

TEST_F(StopTest, StopsWhatHearsTheSignalAndReportsItsOwnCode) {
  TestProject project;
  const ContainerUnit unit = project.unit({"trap", "15"});
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return !project.log(unit).empty(); }));
  const auto stopped = project.client().stop(unit.id);
  ASSERT_TRUE(stopped) << stopped.error().message();
  EXPECT_EQ(stopped->exit_code, 0);
  EXPECT_TRUE(stopped->manually_stopped);
}

TEST_F(StopTest, DoesNotWaitForWhatCannotHear) {
  TestProject project;
  ContainerUnit unit = project.unit({"echo", "up", "--", "pause"});
  unit.stop_timeout = Milliseconds(60'000);
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return !project.log(unit).empty(); }));
  const auto before = std::chrono::steady_clock::now();
  const auto stopped = project.client().stop(unit.id);
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->exit_code, 137);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(45));
}

// A shell-like first process without a handler: its child gets the signal, ends cleanly, and runs its own clean-up.
TEST_F(StopTest, SignalsTheOthersWhenTheFirstCannotHear) {
  TestProject project;
  ContainerUnit unit = project.unit({"spawn", "trap", "15", "--", "wait", "--", "echo", "cleaned up"});
  unit.stop_timeout = Milliseconds(60'000);
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return !project.log(unit).empty(); }));
  const auto stopped = project.client().stop(unit.id);
  ASSERT_TRUE(stopped);
  EXPECT_THAT(project.log(unit), testing::Contains(HasSubstr("got 15")));
  EXPECT_THAT(project.log(unit), testing::Contains("cleaned up"));
  EXPECT_EQ(stopped->exit_code, 0);
}

// `while true; do sleep 1; done`: each time its child is ended it starts another.
TEST_F(StopTest, DoesNotWaitForWhatTheFirstStartsMeanwhile) {
  TestProject project;
  ContainerUnit unit = project.unit({"echo", "up", "--", "respawn", "pause"});
  unit.stop_timeout = Milliseconds(60'000);
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return !project.log(unit).empty(); }));
  const auto before = std::chrono::steady_clock::now();
  const auto stopped = project.client().stop(unit.id);
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->exit_code, 137);
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(45));
}

TEST_F(StopTest, SignalsEachOnceAndWaitsForWhoReacts) {
  TestProject project;
  ContainerUnit unit = project.unit({"spawn", "count", "1500", "--", "pause"});
  unit.stop_timeout = Milliseconds(60'000);
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return !project.log(unit).empty(); }));
  ASSERT_TRUE(project.client().stop(unit.id));
  EXPECT_THAT(project.log(unit), testing::ElementsAre("ready", "1 signals"));
}

// Workers are left to their master while that lives; those it leaves behind are signalled afterwards.
TEST_F(StopTest, SignalsFromTheTopDownwards) {
  TestProject project;
  ContainerUnit unit = project.unit({"spawn", "master", "300", "count", "--", "pause"});
  unit.stop_timeout = Milliseconds(60'000);
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return project.log(unit).size() == 2; }));
  ASSERT_TRUE(project.client().stop(unit.id));
  EXPECT_THAT(project.log(unit), testing::ElementsAre("ready", "ready", "master ends", "1 signals"));
}

// It has something to finish, or it would not ignore the signal.
TEST_F(StopTest, WhoIgnoresTheSignalHasItsWholePeriod) {
  TestProject project;
  ContainerUnit unit = project.unit({"ignore", "15", "--", "echo", "up", "--", "pause"});
  unit.stop_timeout = Milliseconds(700);
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return !project.log(unit).empty(); }));
  const auto before = std::chrono::steady_clock::now();
  const auto stopped = project.client().stop(unit.id);
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->exit_code, 137);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(700));
}

// A process started by exec neither gets the signal nor keeps the container alive.
TEST_F(StopTest, AnExecDoesNotHoldUpTheStop) {
  TestProject project;
  ContainerUnit unit = project.unit({"echo", "up", "--", "pause"});
  unit.stop_timeout = Milliseconds(60'000);
  ASSERT_TRUE(project.start(unit));
  auto exec = project.client().exec(unit.id, {.process = project.process({"count", "60000"})});
  ASSERT_TRUE(exec) << exec.error().message();
  const auto before = std::chrono::steady_clock::now();
  ASSERT_TRUE(project.client().stop(unit.id));
  EXPECT_LT(std::chrono::steady_clock::now() - before, std::chrono::seconds(45));
  EXPECT_EQ(exec->wait().value(), 137);
}

TEST_F(StopTest, TimeoutZeroKillsAtOnceAndAHandlerGetsItsWholePeriod) {
  TestProject project;
  const ContainerUnit unit = project.unit({"handle", "15", "--", "echo", "up", "--", "pause", "--", "pause"});
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return !project.log(unit).empty(); }));
  const auto before = std::chrono::steady_clock::now();
  auto stopped = project.client().stop(unit.id, {.timeout = Milliseconds(700), .signal = {}});
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->exit_code, 137);
  EXPECT_GE(std::chrono::steady_clock::now() - before, std::chrono::milliseconds(700));
  ASSERT_TRUE(project.start(unit));
  stopped = project.client().stop(unit.id, {.timeout = Milliseconds(0), .signal = {}});
  ASSERT_TRUE(stopped);
  EXPECT_EQ(stopped->exit_code, 137);
}

}  // namespace
}  // namespace consort::supervisor

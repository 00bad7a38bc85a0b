// Requests for a container that was told to end and is still running, but not for long.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "project.hpp"

namespace consort::supervisor {
namespace {

class StoppingTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = TestProject::why_not(); !reason.empty()) GTEST_SKIP() << reason;
    project_.emplace();
    unit_ = project_->unit({"handle", "15", "--", "echo", "up", "--", "pause", "--", "pause"});
    const auto started = project_->start(unit_);
    ASSERT_TRUE(started) << started.error().message();
    pid_ = started->pid;
    ASSERT_TRUE(eventually([&] { return !project_->log(unit_).empty(); }));
  }
  // Runs in a separate process, which exits with 0 if `call` returns true.
  static ChildGuard elsewhere(const std::function<bool()>& call) {
    const pid_t child = ::fork();
    if (child == 0) ::_exit(call() ? 0 : 1);
    return ChildGuard(child);
  }
  ChildGuard stop_elsewhere(std::int64_t timeout_ms) {
    ChildGuard child = elsewhere([&] {
      return project_->client().stop(unit_.id, {.timeout = Milliseconds(timeout_ms), .signal = {}}).has_value();
    });
    EXPECT_TRUE(eventually([&] { return project_->state(unit_).stopping; }));
    return child;
  }

  std::optional<TestProject> project_;
  ContainerUnit unit_;
  pid_t pid_ = 0;
};

TEST_F(StoppingTest, IsTold) {
  EXPECT_FALSE(project_->state(unit_).stopping);
  ChildGuard stopping = stop_elsewhere(1000);
  const ContainerState state = project_->state(unit_);
  EXPECT_EQ(state.status, Status::running);
  EXPECT_EQ(state.pid, pid_);
  EXPECT_TRUE(stopping.wait()->success());
  EXPECT_FALSE(project_->state(unit_).stopping);
}

// The period must not end at once because the clock cannot represent its end.
TEST_F(StoppingTest, AGracePeriodOfCenturiesIsGiven) {
  const ChildGuard stopping = stop_elsewhere(std::chrono::ceil<Milliseconds>(std::chrono::nanoseconds::max()).count());
  std::this_thread::sleep_for(std::chrono::milliseconds(200));
  const ContainerState state = project_->state(unit_);
  EXPECT_EQ(state.status, Status::running);
  EXPECT_EQ(state.pid, pid_);
  EXPECT_TRUE(project_->client().stop(unit_.id, {.timeout = Milliseconds(0), .signal = {}}));
}

// If a process ignores the signal, its children get it.
TEST_F(StoppingTest, ThoseBelowOneThatIgnoresTheSignalHearIt) {
  unit_ = project_->unit({"ignore", "15", "--", "spawn", "respawn", "count", "--", "pause"});
  ASSERT_TRUE(project_->start(unit_));
  ASSERT_TRUE(eventually([&] { return !project_->log(unit_).empty(); }));
  const ChildGuard stopping = stop_elsewhere(60'000);
  EXPECT_TRUE(eventually([&] { return std::ranges::count(project_->log(unit_), "1 signals") == 1; }));
  EXPECT_TRUE(project_->client().stop(unit_.id, {.timeout = Milliseconds(0), .signal = {}}));
}

TEST_F(StoppingTest, AStartWaitsForTheEndAndStartsAgain) {
  ChildGuard stopping = stop_elsewhere(1500);
  const auto again = project_->start(unit_);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_TRUE(again->has_process());
  EXPECT_FALSE(again->stopping);
  EXPECT_NE(again->pid, pid_);
  EXPECT_EQ(again->restart_count, 0u);
  EXPECT_TRUE(stopping.wait()->success());
  EXPECT_EQ(project_->state(unit_).pid, again->pid);
}

TEST_F(StoppingTest, AStartWaitsForItAlsoWhenWhoeverStopsIsKilled) {
  { const ChildGuard killed = stop_elsewhere(1500); }
  const auto again = project_->start(unit_);
  ASSERT_TRUE(again) << again.error().message();
  EXPECT_NE(again->pid, pid_);
  EXPECT_TRUE(project_->state(unit_).has_process());
}

TEST_F(StoppingTest, AStartWaitsForItAcrossAReplacement) {
  { const ChildGuard killed = stop_elsewhere(2000); }
  ChildGuard starting = elsewhere([&] {
    const auto again = project_->start(unit_);
    return again && again->pid != pid_;
  });
  ASSERT_TRUE(eventually([&] {
    const auto record = read_file(run_state_path(project_->run_directory(), unit_.id));
    return record && record->find("\"after_stop\":\"start\"") != std::string::npos;
  }));
  ::kill(project_->supervisor(), SIGKILL);
  EXPECT_TRUE(starting.wait()->success());
  EXPECT_TRUE(project_->state(unit_).has_process());
}

// After an upgrade, supervisors are asked to make way for the new program.
TEST_F(StoppingTest, ASupervisorDoesNotMakeWayMeanwhile) {
  const pid_t supervisor = project_->supervisor();
  const ChildGuard stopping = stop_elsewhere(60'000);
  ASSERT_EQ(::kill(supervisor, SIGHUP), 0);
  // Each is answered in a later turn of its loop.
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(project_->client().snapshot());
  EXPECT_EQ(project_->supervisor(), supervisor);
  EXPECT_TRUE(project_->client().stop(unit_.id, {.timeout = Milliseconds(0), .signal = {}}));
}

TEST_F(StoppingTest, ASupervisorMakesWayBefore) {
  const pid_t supervisor = project_->supervisor();
  ASSERT_EQ(::kill(supervisor, SIGHUP), 0);
  ASSERT_TRUE(eventually([&] {
    const pid_t now = project_->supervisor();
    return now != 0 && now != supervisor && project_->client().snapshot().has_value();
  }));
  EXPECT_EQ(project_->state(unit_).pid, pid_);
  EXPECT_TRUE(project_->client().stop(unit_.id, {.timeout = Milliseconds(0), .signal = {}}));
}

TEST_F(StoppingTest, AStopThatComesLaterWins) {
  { const ChildGuard killed = stop_elsewhere(60'000); }
  ChildGuard starting = elsewhere([&] {
    const auto again = project_->start(unit_);
    return !again && again.error().code() == Code::conflict;
  });
  ASSERT_TRUE(eventually([&] {
    const auto record = read_file(run_state_path(project_->run_directory(), unit_.id));
    return record && record->find("\"after_stop\":\"start\"") != std::string::npos;
  }));
  EXPECT_TRUE(project_->client().stop(unit_.id, {.timeout = Milliseconds(0), .signal = {}}));
  EXPECT_TRUE(starting.wait()->success());
  EXPECT_EQ(project_->state(unit_).status, Status::exited);
}

}  // namespace
}  // namespace consort::supervisor

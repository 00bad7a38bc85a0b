// A project has one keeper and one supervisor, whichever of them is killed when: two supervisors that read the same
// pipes would each overwrite part of the other's log.
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <algorithm>

#include "base/os/processes/process.hpp"
#include "base/os/processes/process_stat.hpp"
#include "project.hpp"
#include "supervisor/loop/keeper_lock.hpp"

namespace consort::supervisor {
namespace {

class OnePairTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = TestProject::why_not(); !reason.empty()) GTEST_SKIP() << reason;
  }
  // Starts a pair that does not know the others, as if those had been killed together with the lock that they held.
  static ChildGuard start_alone(const TestProject& project) {
    const pid_t child = ::fork();
    if (child == 0) {
      ::unlink((project.run_directory() + "/supervisor.lock").c_str());
      const auto started = project.client().ensure();
      if (!started) std::fprintf(stderr, "%s\n", started.error().message().c_str());
      ::_exit(started ? 0 : 1);
    }
    return ChildGuard(child);
  }
  static bool is_stopped(pid_t pid) {
    const auto stat = stat_fields_of(pid);
    return stat && stat->state() == 'T';
  }
};

TEST_F(OnePairTest, IsLeftOfSeveralThatAreStartedAtOnce) {
  TestProject project;
  const ContainerUnit unit = project.unit({"lines", "300000"});
  ASSERT_TRUE(project.start(unit));
  for (int round = 0; round < 3; ++round) {
    ASSERT_TRUE(kill_both(project));
    std::vector<ChildGuard> starters;
    for (int i = 0; i < 4; ++i) starters.push_back(start_alone(project));
    for (ChildGuard& starter : starters) EXPECT_TRUE(starter.wait()->success());
    EXPECT_TRUE(eventually([&] { return project.keepers().size() == 1 && project.supervisors().size() == 1; }))
        << project.keepers().size() << " keepers, " << project.supervisors().size() << " supervisors";
  }
  ASSERT_TRUE(project.client().wait(unit.id));
  const std::vector<std::string> lines = project.log(unit);
  ASSERT_EQ(lines.size(), 300'000u);
  for (std::size_t i = 1; i < lines.size(); ++i) ASSERT_NE(lines[i], lines[i - 1]) << i;
}

// The supervisor has lost its keeper, and with it the lock that shows that there is one, but has not noticed yet.
TEST_F(OnePairTest, BeginsWhenTheSupervisorBeforeItHasEnded) {
  TestProject project;
  const ContainerUnit unit = project.unit({"pause"});
  ASSERT_TRUE(project.start(unit));
  const pid_t old = project.supervisor(), keeper = project.keeper();
  ::kill(old, SIGSTOP);
  ASSERT_TRUE(eventually([&] { return is_stopped(old); }));
  ::kill(keeper, SIGKILL);
  ASSERT_TRUE(eventually([&] { return !keeper_lives(project.run_directory()); }));
  // Nobody can see that it exists.
  const std::string socket = control_socket_path(project.run_directory());
  ::unlink(socket.c_str());
  ChildGuard starter = start_alone(project);
  ASSERT_TRUE(eventually([&] { return keeper_lives(project.run_directory()); }));
  ::poll(nullptr, 0, 300);  // time in which one that does not wait would begin
  EXPECT_FALSE(path_exists(socket));
  ::kill(old, SIGCONT);
  EXPECT_TRUE(starter.wait()->success());
  // Its locks are released before its process is gone.
  EXPECT_TRUE(eventually([&] { return std::ranges::count(project.supervisors(), old) == 0; }));
  EXPECT_TRUE(project.state(unit).running());
}

// A process that waits for the killed one must not wait forever.
TEST_F(OnePairTest, IsStartedAgainWhenItsFirstSupervisorIsKilled) {
  TestProject project;
  const ContainerUnit unit = project.unit({"pause"});
  ASSERT_TRUE(project.start(unit));
  for (int i = 0; i < 10; ++i) {
    ASSERT_TRUE(kill_both(project));
    ChildGuard starter = start_alone(project);
    ASSERT_TRUE(eventually([&] { return !project.keepers().empty(); }));
    ::poll(nullptr, 0, i);
    for (const pid_t supervisor : project.supervisors()) ::kill(supervisor, SIGKILL);
    EXPECT_TRUE(starter.wait()->success()) << i;
    EXPECT_TRUE(project.client().snapshot()) << i;
    EXPECT_TRUE(project.state(unit).running()) << i;
  }
}

}  // namespace
}  // namespace consort::supervisor

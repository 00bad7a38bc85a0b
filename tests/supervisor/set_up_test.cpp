// A supervisor is killed while a container is being set up: no process waits forever, and nothing is left behind.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <unistd.h>

#include <filesystem>

#include "base/os/processes/process.hpp"
#include "base/os/processes/process_stat.hpp"
#include "base/strings.hpp"
#include "project.hpp"
#include "runtime/cgroup.hpp"
#include "supervisor/loop/keeper_lock.hpp"

namespace consort::supervisor {
namespace {

// The parent of the container's cgroup is frozen, so the container's process freezes as soon as it is created.
class SetUpTest : public testing::Test {
 protected:
  void SetUp() override {
    if (const std::string reason = TestProject::why_not(); !reason.empty()) GTEST_SKIP() << reason;
    std::vector<std::string> warnings;
    auto made = runtime::Cgroup::create("/consort-test/above-" + random_id().substr(0, 12), {}, warnings);
    ASSERT_TRUE(made) << made.error().message();
    above_.emplace(std::move(*made));
    const auto views = above_->views();
    const bool unified = std::ranges::any_of(
        views, [](const auto& view) { return std::filesystem::exists(view.directory + "/cgroup.freeze"); });
    if (!unified) GTEST_SKIP() << "no cgroup v2 to freeze a process at its birth";
  }
  void TearDown() override {
    if (!above_) return;
    EXPECT_TRUE(above_->remove());
  }

  ContainerUnit unit_below(TestProject& project, const std::vector<std::string>& words) const {
    ContainerUnit unit = project.unit(words);
    const std::string path = unit.bundle + "/config.json";
    const std::string ordinary = "/consort-test/" + unit.id;
    std::string config = read_file(path).value();
    config.replace(config.find(ordinary), ordinary.size(), above_->path() + "/" + unit.id);
    EXPECT_TRUE(write_file_atomic(path, config));
    return unit;
  }
  std::vector<pid_t> born() const {
    return runtime::Cgroup::open(above_->path()).pids().value_or(std::vector<pid_t>());
  }

  // Requests the start in a separate process, which exits with 0 if the container is running afterwards.
  static ChildGuard start_elsewhere(TestProject& project, const ContainerUnit& unit) {
    const std::string path = project.write(unit);
    const pid_t child = ::fork();
    if (child == 0) {
      const auto started = project.client().start(path);
      if (!started) std::fprintf(stderr, "%s\n", started.error().message().c_str());
      ::_exit(started && started->has_process() ? 0 : 1);
    }
    return ChildGuard(child);
  }
  static std::vector<std::string> descriptors_of(pid_t pid) {
    std::vector<std::string> targets;
    for (const auto& entry : std::filesystem::directory_iterator("/proc/" + std::to_string(pid) + "/fd"))
      targets.push_back(std::filesystem::read_symlink(entry.path()).string());
    return targets;
  }
  static bool is_stopped(pid_t pid) {
    const auto stat = stat_fields_of(pid);
    return stat && stat->state() == 'T';
  }

  std::optional<runtime::Cgroup> above_;
};

TEST_F(SetUpTest, TheProcessHoldsNothingOfTheSupervisorAndEndsWithIt) {
  TestProject project;
  ASSERT_TRUE(project.start(project.unit({"pause"})));  // pipes, locks and connections that are not its own
  const pid_t supervisor = project.supervisor();        // (the process that stands still looks like one)
  ASSERT_TRUE(above_->freeze());
  const ContainerUnit unit = unit_below(project, {"pause"});
  ChildGuard starting = start_elsewhere(project, unit);
  ASSERT_TRUE(eventually([&] { return !born().empty(); }));
  const pid_t child = born().front();

  // No process tells the child to end, and no successor is started.
  const pid_t keeper = project.keeper();
  ::kill(keeper, SIGSTOP);
  ::kill(supervisor, SIGSTOP);
  ASSERT_TRUE(eventually([&] { return is_stopped(keeper) && is_stopped(supervisor); }));
  ASSERT_TRUE(above_->thaw());
  const auto is_waiting = [&] {
    const auto where = read_file("/proc/" + std::to_string(child) + "/syscall");
    return where && where->starts_with("45 ");  // recv is recvfrom on x86-64
  };
  const bool known = eventually([&] { return is_waiting() || has_ended(child); }, std::chrono::seconds(20));
  if (known) {
    std::size_t sockets = 0;
    for (const std::string& target : descriptors_of(child)) {
      sockets += target.starts_with("socket:") ? 1 : 0;
      EXPECT_FALSE(target.ends_with("keeper.lock")) << target;
      EXPECT_FALSE(target.starts_with("anon_inode:[eventpoll]")) << target;
    }
    EXPECT_EQ(sockets, 1u) << testing::PrintToString(descriptors_of(child));
  }
  ::kill(supervisor, SIGKILL);
  EXPECT_TRUE(eventually([&] { return has_ended(child); })) << "it waits for a go that nobody will give";
  ::kill(keeper, SIGCONT);
  EXPECT_TRUE(starting.wait()->success());
  EXPECT_TRUE(project.state(unit).has_process());
}

TEST_F(SetUpTest, ASuccessorEndsWhatNobodyHasWrittenDown) {
  TestProject project;
  ASSERT_TRUE(project.client().ensure());
  const pid_t supervisor = project.supervisor();  // (the process that stands still looks like one)
  ASSERT_TRUE(above_->freeze());
  const ContainerUnit unit = unit_below(project, {"pause"});
  ChildGuard starting = start_elsewhere(project, unit);
  ASSERT_TRUE(eventually([&] { return !born().empty(); }));
  const pid_t child = born().front();  // frozen where it cannot notice anything
  ::kill(supervisor, SIGKILL);
  EXPECT_TRUE(eventually([&] { return has_ended(child); }));
  ASSERT_TRUE(above_->thaw());
  EXPECT_TRUE(starting.wait()->success());
  EXPECT_TRUE(project.state(unit).has_process());
}

TEST_F(SetUpTest, AStartThatNobodyAsksForAgainLeavesNothing) {
  TestProject project;
  ASSERT_TRUE(project.client().ensure());
  const pid_t supervisor = project.supervisor();  // (the process that stands still looks like one)
  ASSERT_TRUE(above_->freeze());
  const ContainerUnit unit = unit_below(project, {"pause"});
  {
    ChildGuard starting = start_elsewhere(project, unit);
    ASSERT_TRUE(eventually([&] { return !born().empty(); }));
  }
  ::kill(supervisor, SIGKILL);
  EXPECT_TRUE(eventually([&] { return born().empty(); }));
  ASSERT_TRUE(above_->thaw());
  const auto gone = [&] {
    for (const auto& view : above_->views())
      if (std::filesystem::exists(view.directory + "/" + unit.id)) return false;
    return true;
  };
  EXPECT_TRUE(eventually(gone));
  EXPECT_EQ(project.state(unit).status, Status::created);
}

TEST_F(SetUpTest, ARestartOfThePolicyThatWasCutIsTriedAgain) {
  TestProject project;
  ContainerUnit unit = unit_below(project, {"exit", "1"});
  unit.restart = RestartUnit{RestartPolicy::always, 0};
  ASSERT_TRUE(project.start(unit));
  ASSERT_TRUE(eventually([&] { return project.state(unit).restart_count >= 1; }));
  const pid_t supervisor = project.supervisor();  // (the process that stands still looks like one)
  ASSERT_TRUE(above_->freeze());
  ASSERT_TRUE(eventually([&] { return !born().empty(); }));
  const unsigned before = project.state(unit).restart_count;
  ::kill(supervisor, SIGKILL);
  ASSERT_TRUE(eventually([&] { return project.client().snapshot().has_value(); }));
  ASSERT_TRUE(above_->thaw());
  EXPECT_TRUE(eventually([&] { return project.state(unit).restart_count >= before + 2; }));
  EXPECT_THAT(read_file(project.run_directory() + "/supervisor.log").value(),
              testing::Not(testing::HasSubstr("it exists and has processes")));
  EXPECT_TRUE(project.client().stop(unit.id));
}

TEST(KeeperLock, IsLookedAtWithoutBeingTaken) {
  const TemporaryDirectory directory;
  const std::string& run = directory.path();
  EXPECT_FALSE(keeper_lives(run));
  Fd file = open_file(keeper_lock_path(run), O_RDWR | O_CREAT, 0600).value();
  EXPECT_FALSE(keeper_lives(run));
  ASSERT_TRUE(hold_keeper_lock(file.get()));
  EXPECT_TRUE(keeper_lives(run));
  EXPECT_FALSE(hold_keeper_lock(open_file(keeper_lock_path(run), O_RDWR).value().get()));
  // The lock belongs to the open file, as long as any process has it open.
  Fd kept = duplicate(file.get()).value();
  file.reset();
  EXPECT_TRUE(keeper_lives(run));
  kept.reset();
  EXPECT_FALSE(keeper_lives(run));
}

}  // namespace
}  // namespace consort::supervisor

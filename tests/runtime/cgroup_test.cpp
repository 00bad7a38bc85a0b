#include "runtime/cgroup.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stop_token>
#include <thread>
#include <vector>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "runtime/cgroup/cgroup_hierarchy.hpp"
#include "runtime/cgroup_sweep.hpp"
#include "sandbox_fixture.hpp"

namespace consort::runtime {
namespace {

using testing::HasSubstr;

std::string text_of(const std::vector<internal::CgroupWrite>& writes) {
  std::string text;
  for (const internal::CgroupWrite& write : writes) text += write.file + "=" + write.text + "\n";
  return text;
}

TEST(CgroupLimits, AreTheFilesOfEachVersion) {
  Resources r;
  r.memory_limit = 64 << 20;
  r.memory_swap = 128 << 20;
  r.memory_reservation = 32 << 20;
  r.cpu_quota = 50000;
  r.cpu_period = 100000;
  r.cpu_shares = 1024;
  r.pids_limit = -1;
  r.cpuset_cpus = "0";
  EXPECT_EQ(text_of(internal::limits_v1(r)),
            "memory.limit_in_bytes=67108864\nmemory.memsw.limit_in_bytes=134217728\n"
            "memory.soft_limit_in_bytes=33554432\ncpu.shares=1024\ncpu.cfs_period_us=100000\n"
            "cpu.cfs_quota_us=50000\ncpuset.cpus=0\npids.max=max\n");
  EXPECT_EQ(text_of(internal::limits_v2(r)),
            "memory.max=67108864\nmemory.swap.max=67108864\nmemory.low=33554432\ncpu.weight=39\n"
            "cpu.max=50000 100000\ncpuset.cpus=0\npids.max=max\n");
}

TEST(CgroupLimits, UnlimitedSwapAndNoSwap) {
  Resources r;
  r.memory_limit = 1 << 20;
  r.memory_swap = -1;
  EXPECT_THAT(text_of(internal::limits_v2(r)), HasSubstr("memory.swap.max=max\n"));
  r.memory_swap = 1 << 20;
  EXPECT_THAT(text_of(internal::limits_v2(r)), HasSubstr("memory.swap.max=0\n"));
}

TEST(CgroupLimits, SharesBecomeWeights) {
  EXPECT_EQ(internal::cpu_weight_of_shares(0), 0u);
  EXPECT_EQ(internal::cpu_weight_of_shares(2), 1u);
  EXPECT_EQ(internal::cpu_weight_of_shares(262144), 10000u);
  EXPECT_EQ(internal::cpu_weight_of_shares(999999), 10000u);
}

TEST(CgroupHierarchies, AreReadFromMountinfo) {
  const auto found = internal::parse_hierarchies(
      "30 25 0:26 / /sys/fs/cgroup ro - tmpfs tmpfs ro\n"
      "31 30 0:27 / /sys/fs/cgroup/unified rw shared:9 - cgroup2 cgroup2 rw\n"
      "32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,xattr,name=systemd\n"
      "33 30 0:29 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n"
      "34 30 0:29 / /other/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_TRUE(found[0].unified);
  EXPECT_EQ(found[1].mount, "/sys/fs/cgroup/cpu,cpuacct");
  EXPECT_TRUE(found[1].has("cpuacct"));
  EXPECT_TRUE(found[2].is_named());
}

// Every command that creates a cgroup, and every sweep, claims the first one.
TEST(CgroupHierarchies, TheFirstOneTakesEveryContainer) {
  const auto found = internal::parse_hierarchies(
      "31 30 0:27 / /sys/fs/cgroup/cpuset rw - cgroup cgroup rw,cpuset\n"
      "32 30 0:28 / /sys/fs/cgroup/systemd rw - cgroup cgroup rw,name=systemd\n"
      "33 30 0:29 / /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n");
  ASSERT_EQ(found.size(), 3u);
  EXPECT_TRUE(found[0].has("memory"));
  EXPECT_TRUE(found[1].has("cpuset"));
  EXPECT_TRUE(found[2].is_named());
}

TEST(CgroupHierarchies, ADelegatedGroupIsAroundOurLeaf) {
  const std::string leaf =
      internal::unified_group("1:name=x:/y\n0::/system.slice/consort-a-7.scope/consort-supervisor\n");
  EXPECT_EQ(internal::delegated_group_of(leaf), "/system.slice/consort-a-7.scope");
  EXPECT_EQ(internal::delegated_group_of("/user.slice/session-3.scope"), "");
  EXPECT_EQ(internal::delegated_group_of("/consort-supervisor"), "");  // the root of a namespace must not be divided
  EXPECT_EQ(internal::delegated_group_of(internal::unified_group("1:memory:/a\n")), "");
}

class CgroupTest : public SandboxTest {
 protected:
  std::string message_or_out(const Spec& spec) {
    const Result<Outcome> outcome = sandbox.run(spec);
    if (!outcome) return outcome.error().message();
    return outcome->out + "code " + std::to_string(outcome->code) + (outcome->oom_killed ? " oom" : "");
  }
};

TEST_F(CgroupTest, MemoryLimitKillsAndIsReported) {
  Spec spec = sandbox.spec({"memhog", "100000000"});
  spec.linux_.resources.memory_limit = 16 << 20;
  spec.linux_.resources.memory_swap = 16 << 20;
  EXPECT_EQ(message_or_out(spec), "code 137 oom");
  spec.process.args = {"/probe", "memhog", "1000000"};
  EXPECT_EQ(message_or_out(spec), "full\ncode 0");
}

TEST_F(CgroupTest, AKilledChildIsReportedToo) {
  Spec spec = sandbox.spec({"spawn", "memhog", "100000000", "--", "wait"});
  spec.linux_.resources.memory_limit = 16 << 20;
  spec.linux_.resources.memory_swap = 16 << 20;
  EXPECT_EQ(message_or_out(spec), "child 137\ncode 0 oom");
}

TEST_F(CgroupTest, PidsLimitStopsAForkBomb) {
  Spec spec = sandbox.spec({"forkbomb"});
  spec.linux_.resources.pids_limit = 20;
  EXPECT_EQ(message_or_out(spec), "stopped at 19: EAGAIN\ncode 0");
}

TEST_F(CgroupTest, ContainerSeesItsOwnGroupReadOnly) {
  const std::string file = cgroup_version() == CgroupVersion::v2 ? "/sys/fs/cgroup/memory.max"
                                                                 : "/sys/fs/cgroup/memory/memory.limit_in_bytes";
  Spec spec = sandbox.spec({"cat", file, "--", "open", file});
  spec.linux_.resources.memory_limit = 32 << 20;
  EXPECT_EQ(message_or_out(spec), "33554432\n" + file + "=EROFS\ncode 0");
}

TEST_F(CgroupTest, DevicesOutsideTheRulesAreRefused) {
  Spec spec = sandbox.spec({"open", "/dev/loop0", "/dev/null"});
  spec.linux_.devices.push_back({.path = "/dev/loop0", .type = 'b', .major = 7, .minor = 0});
  EXPECT_EQ(message_or_out(spec), "/dev/loop0=EPERM\n/dev/null=ok\ncode 0");
  spec.linux_.resources.devices.push_back({.allow = true, .type = 'b', .major = 7, .minor = 0});
  EXPECT_THAT(message_or_out(spec), testing::Not(HasSubstr("EPERM")));
}

// The program for v2, attached to the hierarchy that every current kernel has, whichever version controls the limits.
TEST_F(CgroupTest, DeviceFilterOfVersion2AnswersLikeTheController) {
  const internal::Hierarchy* unified = nullptr;
  for (const internal::Hierarchy& hierarchy : internal::hierarchies())
    if (hierarchy.unified) unified = &hierarchy;
  if (!unified) GTEST_SKIP() << "no cgroup2 hierarchy";
  Spec spec = sandbox.spec({"echo", "up", "--", "sleep", "100", "--", "open", "/dev/null", "/dev/zero", "/dev/full"});
  spec.linux_.resources.devices.clear();
  Pipe out = make_pipe().value();
  LaunchOptions options = sandbox.options();
  options.stdio.out = out.write.get();
  Launch launch = std::move(Launch::begin(spec, options).value());
  ASSERT_TRUE(launch.wait_for(Launch::State::ready));
  const Fd directory = open_file(unified->directory(launch.cgroup_path()), 0).value();
  const std::vector<DeviceRule> rules = {{.allow = false},
                                         {.allow = true, .type = 'c', .major = 1},
                                         {.allow = false, .type = 'c', .major = 1, .minor = 5, .access = "w"},
                                         {.allow = true, .type = 'c', .major = 1, .minor = 7, .access = "r"}};
  const Result<> attached = internal::attach_device_filter(directory.get(), rules);
  ASSERT_TRUE(attached) << attached.error().message();
  ASSERT_TRUE(launch.start());
  ASSERT_TRUE(launch.wait_for(Launch::State::started));
  ChildGuard child(launch.pid());
  out.write.reset();
  EXPECT_EQ(read_all(out.read.get(), 65536).value_or(""), "up\n/dev/null=ok\n/dev/zero=EPERM\n/dev/full=ok\n");
  (void)child.wait();
  EXPECT_TRUE(Cgroup::open(launch.cgroup_path()).remove());
}

TEST_F(CgroupTest, FreezeStopsAndKillWorksOnTheFrozen) {
  Result<Running> running =
      Running::start(sandbox, sandbox.spec({"spawn", "pause", "--", "echo", "up", "--", "pause"}), sandbox.options());
  ASSERT_TRUE(running) << running.error().message();
  ASSERT_EQ(running->read_line().value(), "up");
  const Cgroup cgroup = Cgroup::open(running->cgroup_path());
  EXPECT_EQ(cgroup.pids()->size(), 2u);
  ASSERT_TRUE(cgroup.freeze());
  ASSERT_TRUE(cgroup.kill_all());
  EXPECT_EQ(running->wait()->code, 137);
}

// The group looks empty from outside the pid namespace of its processes (a container that has the machine's cgroups
// mounted).
TEST_F(CgroupTest, ASweepEndsNobodyInAnotherPidNamespace) {
  const std::string parent = "/consort-sweep-" + sandbox.id(), path = parent + "/" + std::string(64, 'a');
  ChildGuard process = spawn({.argv = {"sleep", "1000"}}).value();
  {
    std::vector<std::string> warnings;
    const Result<Cgroup> group = Cgroup::create(path, {}, warnings);
    ASSERT_TRUE(group) << group.error().message();
    ASSERT_TRUE(group->add(process.pid()));
  }
  const auto sweep = [&] { sweep_cgroups(parent, [](const std::string&) { return false; }); };
  const pid_t elsewhere = ::fork();
  if (elsewhere == 0) {
    if (::unshare(CLONE_NEWPID) != 0) ::_exit(1);
    const pid_t first = ::fork();
    if (first == 0) {
      sweep();
      ::_exit(0);
    }
    int status = 0;
    ::_exit(::waitpid(first, &status, 0) == first && status == 0 ? 0 : 1);
  }
  EXPECT_TRUE(ChildGuard(elsewhere).wait()->success());
  EXPECT_EQ(::waitpid(process.pid(), nullptr, WNOHANG), 0) << "it has ended";
  sweep();
  EXPECT_EQ(Cgroup::open(path).pids()->size(), 1U);
  ::kill(process.pid(), SIGKILL);
  (void)process.wait();
  sweep();
  EXPECT_TRUE(Cgroup::open(path).views().empty());
  EXPECT_TRUE(Cgroup::open(parent).remove());
}

// Commands of other data roots do not know this container, which is restarted all the time.
TEST_F(CgroupTest, SweepsLeaveAGroupAloneThatIsBeingMade) {
  const std::string parent = "/consort-sweep-" + sandbox.id(), path = parent + "/" + std::string(64, 'a');
  std::vector<std::jthread> sweepers;
  for (int i = 0; i < 3; ++i)
    sweepers.emplace_back([&](const std::stop_token& stop) {
      while (!stop.stop_requested()) sweep_cgroups(parent, [](const std::string&) { return false; });
    });
  constexpr int restarts = 100;
  for (int i = 0; i < restarts; ++i) {
    std::vector<std::string> warnings;
    const Result<Cgroup> group = Cgroup::create(path, {}, warnings);
    ASSERT_TRUE(group) << group.error().message();
    const auto joining = group->open_for_joining();
    ASSERT_TRUE(joining) << i << ": " << joining.error().message();
    const auto clone = group->open_for_clone();
    ASSERT_TRUE(clone) << i << ": " << clone.error().message();
    ASSERT_TRUE(group->remove());
  }
  sweepers.clear();
  EXPECT_TRUE(Cgroup::open(parent).remove());
}

TEST_F(CgroupTest, IsRemovedInSteps) {
  Result<Running> running =
      Running::start(sandbox, sandbox.spec({"spawn", "pause", "--", "echo", "up", "--", "pause"}), sandbox.options());
  ASSERT_TRUE(running) << running.error().message();
  ASSERT_EQ(running->read_line().value(), "up");
  const std::string path = running->cgroup_path();
  Result<GroupRemoval> removed = Cgroup::open(path).try_remove();
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_EQ(running->wait()->code, 137);
  while (removed && *removed == GroupRemoval::waits) removed = Cgroup::open(path).try_remove();
  ASSERT_TRUE(removed) << removed.error().message();
  EXPECT_TRUE(Cgroup::open(path).views().empty());
}

TEST_F(CgroupTest, StatsCountWhatWasUsed) {
  Spec spec = sandbox.spec({"spin", "50", "--", "memhog", "8000000", "--", "pause"});
  spec.linux_.resources.memory_limit = 64 << 20;
  spec.linux_.resources.pids_limit = 10;
  Result<Running> running = Running::start(sandbox, spec, sandbox.options());
  ASSERT_TRUE(running) << running.error().message();
  ASSERT_EQ(running->read_line().value(), "full");
  const CgroupStats stats = Cgroup::open(running->cgroup_path()).stats().value();
  EXPECT_GT(stats.cpu_usage_ns, 20'000'000u);
  EXPECT_GT(stats.memory_bytes, 8'000'000u);
  EXPECT_EQ(stats.memory_limit, 64u << 20);
  EXPECT_EQ(stats.pids, 1u);
  EXPECT_EQ(stats.pids_limit, 10u);
}

TEST_F(CgroupTest, LimitsCanBeChangedWhileItRuns) {
  Spec spec = sandbox.spec({"pause"});
  spec.linux_.resources.memory_limit = spec.linux_.resources.memory_swap = 16 << 20;
  Result<Running> running = Running::start(sandbox, spec, sandbox.options());
  ASSERT_TRUE(running) << running.error().message();
  const Cgroup cgroup = Cgroup::open(running->cgroup_path());
  for (const std::int64_t limit : {32 << 20, 24 << 20}) {
    Resources change;
    change.memory_limit = change.memory_swap = limit;
    std::vector<std::string> warnings;
    const Result<> updated = cgroup.update(change, warnings);
    ASSERT_TRUE(updated) << updated.error().message();
    EXPECT_EQ(cgroup.stats()->memory_limit, static_cast<std::uint64_t>(limit));
  }
}

TEST_F(CgroupTest, AGroupInUseIsAConflict) {
  Result<Running> running = Running::start(sandbox, sandbox.spec({"pause"}), sandbox.options());
  ASSERT_TRUE(running);
  const Result<Outcome> second = sandbox.run_words({"true"});
  ASSERT_FALSE(second);
  EXPECT_EQ(second.error().code(), Code::conflict);
}

// A command was killed after it had killed the cgroup, but before it had removed it.
TEST_F(CgroupTest, AKilledGroupThatWasLeftEmptyIsNotInherited) {
  const Spec spec = sandbox.spec({"true"});
  const std::string path =
      spec.linux_.cgroups_path.empty() ? "/consort/" + sandbox.options().id : spec.linux_.cgroups_path;
  std::vector<std::string> warnings;
  Resources limits;
  limits.pids_limit = 1;
  {
    const Result<Cgroup> left = Cgroup::create(path, limits, warnings);
    ASSERT_TRUE(left) << left.error().message();
    ASSERT_TRUE(left->kill_all());
  }
  EXPECT_EQ(message_or_out(spec), "code 0");
}

}  // namespace
}  // namespace consort::runtime

// Containers, checked from inside by the probe.
#include "runtime/launch.hpp"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <sys/resource.h>

#include "base/os/files/file.hpp"
#include "sandbox_fixture.hpp"

namespace consort::runtime {
namespace {

using testing::HasSubstr;
using testing::Not;
using testing::StartsWith;

class LaunchTest : public SandboxTest {
 protected:
  std::string out_of(const Spec& spec) {
    const Result<Outcome> outcome = sandbox.run(spec);
    if (!outcome) return "start failed: " + outcome.error().message();
    EXPECT_EQ(outcome->code, 0) << outcome->err;
    return outcome->out;
  }
  std::string see(std::vector<std::string> words) { return out_of(sandbox.spec(std::move(words))); }
  std::string failure_of(const Spec& spec) {
    const Result<Outcome> outcome = sandbox.run(spec);
    return outcome ? "started" : outcome.error().message();
  }
};

TEST_F(LaunchTest, RunsTheProgramAndGivesItsExitCode) {
  const Result<Outcome> outcome = sandbox.run_words({"echo", "hello", "--", "echo-err", "oops", "--", "exit", "7"});
  ASSERT_TRUE(outcome) << outcome.error().message();
  EXPECT_EQ(outcome->out, "hello\n");
  EXPECT_EQ(outcome->err, "oops\n");
  EXPECT_EQ(outcome->code, 7);
}

TEST_F(LaunchTest, ProcessIsTheFirstOfItsNamespaces) {
  EXPECT_EQ(see({"pids"}), "pid=1 ppid=0 sid=1\n");
  EXPECT_THAT(see({"host"}), StartsWith("hostname=probe "));
  EXPECT_EQ(see({"fds"}), "0\n1\n2\n");
}

TEST_F(LaunchTest, HasTheDefaultCapabilities) {
  EXPECT_EQ(see({"caps"}),
            "CapInh:\t0000000000000000\nCapPrm:\t00000000a80425fb\nCapEff:\t00000000a80425fb\n"
            "CapBnd:\t00000000a80425fb\nCapAmb:\t0000000000000000\n");
}

TEST_F(LaunchTest, UserIsFoundInTheContainersOwnFiles) {
  Spec spec = sandbox.spec({"id", "--", "env", "HOME", "--", "caps"});
  spec.process.user.name = "alice";
  const std::string out = out_of(spec);
  EXPECT_THAT(out, StartsWith("uid=1000 gid=1000 groups=29,50,1000 umask=0022\n/home/alice\n"));
  EXPECT_THAT(out, HasSubstr("CapEff:\t0000000000000000\nCapBnd:\t00000000a80425fb"));
  spec.process.user.name = "nosuch";
  EXPECT_EQ(failure_of(spec), "unable to find user nosuch: no matching entries in passwd file");
}

TEST_F(LaunchTest, MountsAreThoseOfTheTable) {
  const std::string mounts = see({"mounts"});
  EXPECT_THAT(mounts, HasSubstr(" / / rw,relatime - overlay "));
  EXPECT_THAT(mounts, HasSubstr(" /proc rw,nosuid,nodev,noexec,relatime - proc "));
  EXPECT_THAT(mounts, HasSubstr(" /dev rw,nosuid - tmpfs tmpfs rw,size=65536k,mode=755"));
  EXPECT_THAT(mounts, HasSubstr(" /dev/pts rw,nosuid,noexec,relatime - devpts devpts rw,gid=5,mode=620,ptmxmode=666"));
  EXPECT_THAT(mounts, HasSubstr(" /dev/shm rw,nosuid,nodev,noexec,relatime - tmpfs shm rw,size=65536k"));
  EXPECT_THAT(mounts, HasSubstr(" /sys ro,nosuid,nodev,noexec,relatime - sysfs "));
  EXPECT_THAT(mounts, HasSubstr(" /dev/mqueue rw,nosuid,nodev,noexec,relatime - mqueue "));
  EXPECT_THAT(mounts, HasSubstr(" /proc/sys ro,"));
  EXPECT_THAT(mounts, Not(HasSubstr(" " + sandbox.directory())));
}

TEST_F(LaunchTest, DevicesAndLinksAreThere) {
  EXPECT_EQ(see({"stat", "/dev/null", "/dev/tty", "/dev/urandom"}),
            "/dev/null c 0666 0:0 1:3\n/dev/tty c 0666 0:0 5:0\n/dev/urandom c 0666 0:0 1:9\n");
  EXPECT_EQ(see({"readlink", "/dev/stdout", "--", "readlink", "/dev/ptmx"}), "/proc/self/fd/1\npts/ptmx\n");
  EXPECT_EQ(see({"open", "/dev/null", "/dev/zero"}), "/dev/null=ok\n/dev/zero=ok\n");
}

TEST_F(LaunchTest, MaskedPathsAreEmptyAndReadonlyOnesRefuse) {
  EXPECT_EQ(see({"cat", "/proc/keys", "/proc/timer_list"}), "");
  EXPECT_EQ(see({"ls", "/sys/firmware"}), "");
  EXPECT_EQ(see({"open", "/proc/irq/default_smp_affinity", "/proc/sys/kernel/domainname"}),
            "/proc/irq/default_smp_affinity=EROFS\n/proc/sys/kernel/domainname=EROFS\n");
}

TEST_F(LaunchTest, WorkingDirectoryIsMadeForRoot) {
  Spec spec = sandbox.spec({"pwd", "--", "stat", "/srv/app"});
  spec.process.cwd = "/srv/app";
  spec.process.user.name = "1000:1000";
  EXPECT_EQ(out_of(spec), "/srv/app\n/srv/app d 0755 0:0 0:0\n");
}

TEST_F(LaunchTest, MissingProgramHasDockersWords) {
  Spec spec = sandbox.spec({});
  spec.process.args = {"nosuch"};
  EXPECT_EQ(failure_of(spec), "exec: \"nosuch\": executable file not found in $PATH");
  spec.process.args = {"/nosuch"};
  EXPECT_EQ(failure_of(spec), "exec: \"/nosuch\": stat /nosuch: no such file or directory");
  spec.process.args = {"/etc/passwd"};
  EXPECT_EQ(failure_of(spec), "exec: \"/etc/passwd\": permission denied");
  spec.process.args = {"/etc"};
  EXPECT_EQ(failure_of(spec), "exec: \"/etc\": is a directory: permission denied");
  spec.process.args = {"probe", "true"};
  EXPECT_EQ(out_of(spec), "");
}

TEST_F(LaunchTest, FailedStartHasDockersExitCode) {
  Spec spec = sandbox.spec({});
  const auto code = [&](std::vector<std::string> args) {
    spec.process.args = std::move(args);
    const Result<Outcome> outcome = sandbox.run(spec);
    if (outcome) return 0;
    EXPECT_EQ(outcome.error().subject(), Subject::program);
    EXPECT_EQ(outcome.error().subject_name(), spec.process.args.front());
    return exit_code_of_failed_start(outcome.error());
  };
  EXPECT_EQ(code({"nosuch"}), 127);
  EXPECT_EQ(code({"/nosuch"}), 127);
  EXPECT_EQ(code({"/etc/passwd"}), 126);
  EXPECT_EQ(code({"/etc"}), 126);
}

TEST_F(LaunchTest, FailedStartSaysWhatItIsAbout) {
  const auto failure = [&](auto change) {
    Spec spec = sandbox.spec({"true"});
    change(spec);
    const Result<Outcome> outcome = sandbox.run(spec);
    return outcome ? std::pair(Subject::none, std::string())
                   : std::pair(outcome.error().subject(), outcome.error().subject_name());
  };
  EXPECT_EQ(failure([](Spec& spec) { spec.process.cwd = "/etc/passwd"; }),
            std::pair(Subject::working_directory, std::string("/etc/passwd")));
  EXPECT_EQ(failure([](Spec& spec) { spec.process.user.name = "nosuch"; }),
            std::pair(Subject::user, std::string("nosuch")));
  EXPECT_EQ(
      failure([](Spec& spec) { spec.process.rlimits = {{.resource = RLIMIT_NOFILE, .soft = 5, .hard = 1UL << 40}}; }),
      std::pair(Subject::setting, std::string("ulimits/nofile")));
  const Mount onto_file{.destination = "/etc/passwd", .type = "tmpfs", .source = "tmpfs", .options = {}};
  EXPECT_EQ(failure([&](Spec& spec) { spec.mounts.push_back(onto_file); }),
            std::pair(Subject::mount, std::string("/etc/passwd")));
  const Mount missing{.destination = "/mnt", .type = "bind", .source = "/no/such", .options = {"bind"}};
  EXPECT_EQ(failure([&](Spec& spec) { spec.mounts.push_back(missing); }),
            std::pair(Subject::mount, std::string("/mnt")));
}

TEST_F(LaunchTest, WhatIsWrittenStaysInTheUpperLayer) {
  EXPECT_EQ(see({"write", "/etc/new", "text"}), "");
  EXPECT_EQ(read_file(sandbox.upper() + "/etc/new").value_or(""), "text");
  EXPECT_FALSE(path_exists(sandbox.lower() + "/etc/new"));
}

TEST_F(LaunchTest, ReadOnlyRootStillHasItsMounts) {
  Spec spec = sandbox.spec({"open", "/etc/passwd", "--", "write", "/dev/shm/x", "1"});
  spec.root_readonly = true;
  EXPECT_EQ(out_of(spec), "/etc/passwd=EROFS\n");
}

TEST_F(LaunchTest, BindsAreMadeWhereTheyAreMissing) {
  (void)make_directories(sandbox.directory() + "/host/sub");
  (void)write_file_atomic(sandbox.directory() + "/host/sub/file", "from host");
  Spec spec =
      sandbox.spec({"cat", "/a/b/sub/file", "/etc/one", "--", "open", "/etc/one", "--", "write", "/a/b/x", "y"});
  spec.mounts.push_back({"/a/b", "bind", sandbox.directory() + "/host", {"rbind", "rprivate"}});
  spec.mounts.push_back({"/etc/one", "bind", sandbox.directory() + "/host/sub/file", {"rbind", "ro"}});
  EXPECT_EQ(out_of(spec), "from hostfrom host/etc/one=EROFS\n");
  EXPECT_EQ(read_file(sandbox.directory() + "/host/x").value_or(""), "y");
}

TEST_F(LaunchTest, BindTargetsFollowLinksInsideTheRootOnly) {
  (void)make_directories(sandbox.directory() + "/host");
  (void)write_file_atomic(sandbox.directory() + "/host/file", "mounted");
  ASSERT_EQ(::symlink("/../../../../run/late", (sandbox.lower() + "/var").c_str()), 0);
  Spec spec = sandbox.spec({"cat", "/run/late/deep/file"});
  spec.mounts.push_back({"/var/deep", "bind", sandbox.directory() + "/host", {"bind"}});
  EXPECT_EQ(out_of(spec), "mounted");
  EXPECT_FALSE(path_exists("/run/late"));
}

TEST_F(LaunchTest, MountingADirectoryOnAFileExplainsItself) {
  Spec spec = sandbox.spec({"true"});
  spec.mounts.push_back({"/etc/passwd", "bind", sandbox.directory() + "/work", {"rbind"}});
  EXPECT_THAT(failure_of(spec), HasSubstr("not a directory: Are you trying to mount a directory onto a file"));
}

// runc 1.1's messages for these mounts, which Docker's users know; ours omit its host paths.
TEST_F(LaunchTest, NothingMayLieOverProcButProc) {
  const std::string directory = sandbox.directory() + "/host", file = directory + "/file";
  ASSERT_TRUE(make_directories(directory));
  ASSERT_TRUE(write_file_atomic(file, "of lxcfs\n"));
  ASSERT_EQ(::symlink("/proc", (sandbox.lower() + "/link").c_str()), 0);
  const auto mounted = [&](const std::string& type, const std::string& source, const std::string& target,
                           std::vector<std::string> words) {
    Spec spec = sandbox.spec(std::move(words));
    spec.mounts.push_back(
        {target, type, source, type == "bind" ? std::vector<std::string>{"rbind"} : std::vector<std::string>{}});
    const Result<Outcome> outcome = sandbox.run(spec);
    return outcome ? outcome->out + outcome->err : outcome.error().message();
  };
  const std::string not_proc = "cannot be mounted because it is not of type proc";
  const std::string inside = "cannot be mounted because it is inside /proc";
  EXPECT_THAT(mounted("bind", directory, "/proc", {"true"}), HasSubstr(not_proc));
  EXPECT_THAT(mounted("tmpfs", "tmpfs", "/proc", {"true"}), HasSubstr(not_proc));
  {
    Spec spec = sandbox.spec({"true"});  // replaces the default mount
    std::erase_if(spec.mounts, [](const Mount& mount) { return mount.destination == "/proc"; });
    spec.mounts.push_back({"/proc", "bind", directory, {"rbind"}});
    EXPECT_THAT(failure_of(spec), HasSubstr(not_proc));
  }
  EXPECT_THAT(mounted("bind", directory, "/link", {"true"}), HasSubstr("cannot be mounted because it is"));
  for (const char* target : {"/proc/sys", "/proc/foo", "/proc/foo/bar", "/link/sys", "/proc/self/fd", "/link/foo"})
    EXPECT_THAT(mounted("bind", directory, target, {"true"}), HasSubstr(inside)) << target;
  for (const char* target : {"/proc/version", "/proc/self/attr/exec", "/proc/net/dev", "/link/version"})
    EXPECT_THAT(mounted("bind", file, target, {"true"}), HasSubstr(inside)) << target;
  EXPECT_THAT(mounted("tmpfs", "tmpfs", "/proc/acpi", {"true"}), HasSubstr(inside));
  // lxcfs, the host's own proc, and other directories.
  for (const char* target : {"/proc/cpuinfo", "/proc/meminfo", "/proc/sys/kernel/ns_last_pid", "/link/uptime"})
    EXPECT_EQ(mounted("bind", file, target, {"cat", target}), "of lxcfs\n") << target;
  EXPECT_THAT(mounted("bind", "/proc", "/proc", {"cat", "/proc/1/comm"}), Not(HasSubstr("probe")));
  EXPECT_THAT(mounted("bind", "/proc", "/host/proc", {"cat", "/host/proc/1/comm"}), Not(HasSubstr("probe")));
  EXPECT_EQ(mounted("bind", directory, "/sys", {"ls", "/sys"}), "file\n");
}

TEST_F(LaunchTest, MissingBindSourceIsNamed) {
  Spec spec = sandbox.spec({"true"});
  spec.mounts.push_back({"/data", "bind", "/nonexistent-source", {"rbind"}});
  EXPECT_EQ(failure_of(spec),
            "mount \"/nonexistent-source\" on \"/data\": bind /nonexistent-source: no such file or directory");
}

TEST_F(LaunchTest, AProcLinkInTheImageIsRefused) {
  ASSERT_EQ(::symlink("/tmp", (sandbox.lower() + "/proc").c_str()), 0);
  EXPECT_EQ(failure_of(sandbox.spec({"true"})), "mount proc on \"/proc\": too many levels of symbolic links");
}

TEST_F(LaunchTest, NoNewPrivilegesAndRlimitsAndOomScore) {
  Spec spec = sandbox.spec({"status", "NoNewPrivs", "--", "rlimit", "7", "--", "cat", "/proc/self/oom_score_adj"});
  spec.process.no_new_privileges = true;
  spec.process.rlimits.push_back({7, 100, 200});
  spec.process.oom_score_adj = 333;
  EXPECT_EQ(out_of(spec), "NoNewPrivs:\t1\n7 soft=100 hard=200\n333\n");
}

TEST_F(LaunchTest, SysctlsAreWritten) {
  Spec spec = sandbox.spec({"cat", "/proc/sys/net/ipv4/ip_unprivileged_port_start"});
  spec.linux_.sysctl["net.ipv4.ip_unprivileged_port_start"] = "7";
  EXPECT_EQ(out_of(spec), "7\n");
  spec.linux_.sysctl["net.ipv4.nosuch"] = "1";
  EXPECT_EQ(failure_of(spec), "write sysctl 'net.ipv4.nosuch=1': no such file or directory");
}

}  // namespace
}  // namespace consort::runtime

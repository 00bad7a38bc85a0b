// The escape suite. Each attempt is made twice: in a container as the engine creates it, where it must fail, and in one
// without the protection that stops it, where it must succeed. So each test shows that the attempt is real, and which
// protection stops it.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <sys/un.h>
#include <unistd.h>

#include <filesystem>
#include <functional>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/strings.hpp"
#include "runtime/seccomp.hpp"
#include "sandbox_fixture.hpp"

namespace consort::runtime {
namespace {

constexpr std::int64_t limit = std::int64_t{32} << 20;  // bytes of memory

// The specification that the engine makes for a service without any settings, from which a protection can be removed.
struct Container {
  Spec spec;
  LaunchOptions options;

  void remove(NamespaceKind kind) {
    std::erase_if(spec.linux_.namespaces, [kind](const Namespace& entry) { return entry.kind == kind; });
  }
  void add_capability(std::string_view name) {
    const std::uint64_t bit = std::uint64_t{1} << capability_number(name).value();
    for (std::uint64_t* set : {&spec.process.capabilities->bounding, &spec.process.capabilities->effective,
                               &spec.process.capabilities->permitted})
      *set |= bit;
  }
  void without_filter() { options.seccomp_bpf.clear(); }
};
using Change = std::function<void(Container&)>;

class EscapeTest : public SandboxTest {
 protected:
  void SetUp() override {
    SandboxTest::SetUp();
    if (IsSkipped()) return;
    filter_ = sandbox.directory() + "/seccomp.bpf";
    ASSERT_TRUE(write_file_atomic(filter_, *compile_seccomp(default_seccomp_profile(default_capabilities))));
  }

  std::string attempt(const std::vector<std::string>& words, const Change& change) {
    std::vector<std::string> line = words;
    line.insert(line.begin(), "escape");
    Container container{sandbox.spec(line), sandbox.options()};
    container.options.seccomp_bpf = filter_;
    if (change) change(container);
    const Result<Outcome> outcome = sandbox.run(container.spec, container.options);
    if (!outcome) return outcome.error().message();
    return outcome->oom_killed ? "held: out of memory" : std::string(trim(outcome->out));
  }

  // as_asked: settings that the file itself must request, such as a limit; they apply to both containers.
  void expect_held_by(const Change& weaken, const std::vector<std::string>& words, const Change& as_asked = {}) {
    EXPECT_THAT(attempt(words, as_asked), testing::StartsWith("held: ")) << join(words, " ");
    const auto weakened = [&](Container& container) {
      if (as_asked) as_asked(container);
      weaken(container);
    };
    EXPECT_EQ(attempt(words, weakened), "out") << "weakened: " << join(words, " ");
  }

  std::string filter_;
};

const Change no_filter = [](Container& c) { c.without_filter(); };

Change with_capability(const std::string& name) {
  return [name](Container& c) {
    c.add_capability(name);
    c.without_filter();
  };
}

Change without(NamespaceKind kind) {
  return [kind](Container& c) { c.remove(kind); };
}

// The numbers of a device that this process can open and containers cannot.
std::string numbers_of_device() {
  for (const char* path : {"/dev/loop-control", "/dev/fuse", "/dev/kvm", "/dev/mem"}) {
    struct stat st;
    if (open_file(path, O_RDONLY) && ::stat(path, &st) == 0)
      return std::to_string(major(st.st_rdev)) + ":" + std::to_string(minor(st.st_rdev));
  }
  return {};
}

TEST_F(EscapeTest, FilesOfTheKernel) {
  const Change writable = [](Container& c) { c.spec.linux_.readonly_paths.clear(); };
  const Change unmasked = [](Container& c) { c.spec.linux_.masked_paths.clear(); };
  const Change writable_sys = [](Container& c) {
    for (Mount& mount : c.spec.mounts)
      if (mount.type == "sysfs") std::erase(mount.options, "ro");
  };
  expect_held_by(writable, {"write", "/proc/sys/kernel/core_pattern"});
  if (path_exists("/proc/sysrq-trigger")) expect_held_by(writable, {"write", "/proc/sysrq-trigger"});
  expect_held_by(unmasked, {"read", "/proc/timer_list"});
  expect_held_by(writable_sys, {"write", "/sys/kernel/rcu_expedited"});
}

TEST_F(EscapeTest, Devices) {
  const std::string device = numbers_of_device();
  if (device.empty()) GTEST_SKIP() << "there is no device to try it with";
  expect_held_by(
      [](Container& c) { c.spec.linux_.resources.devices = {{.allow = true, .type = 'a', .access = "rwm"}}; },
      {"device", device});
}

TEST_F(EscapeTest, Mounts) {
  expect_held_by(with_capability("SYS_ADMIN"), {"mount"});
  if (cgroup_version() == CgroupVersion::v2) return;
  expect_held_by(
      [](Container& c) {
        c.add_capability("SYS_ADMIN");
        c.without_filter();
        c.remove(NamespaceKind::cgroup);
      },
      {"release-agent", "pids"});
}

TEST_F(EscapeTest, ProcessesOfOthers) {
  const ChildGuard other = std::move(spawn({.argv = {CONSORT_PROBE, "pause"}, .environment = {"A=1"}}).value());
  const std::string pid = std::to_string(other.pid());
  const Change seen_and_traced = [](Container& c) {
    c.remove(NamespaceKind::pid);
    c.add_capability("SYS_PTRACE");
  };
  expect_held_by(without(NamespaceKind::pid), {"signal", pid});
  expect_held_by(seen_and_traced, {"trace", pid});
  expect_held_by(seen_and_traced, {"root-of", pid});
}

TEST_F(EscapeTest, WhatLeaksIn) {
  const Fd directory = std::move(open_file("/usr/bin", O_RDONLY | O_DIRECTORY).value());
  expect_held_by([&](Container& c) { c.options.stdio.in = directory.get(); }, {"descriptor"});
  expect_held_by(
      [&](Container& c) {
        c.spec.mounts.push_back({sandbox.directory(), "bind", sandbox.directory(), {"bind"}});
      },
      {"find", sandbox.directory() + "/upper"});
}

TEST_F(EscapeTest, PrivilegesAndLimits) {
  std::filesystem::copy_file(CONSORT_PROBE, sandbox.lower() + "/suid");
  ASSERT_EQ(::chmod((sandbox.lower() + "/suid").c_str(), 04755), 0);
  expect_held_by([](Container& c) { c.spec.process.no_new_privileges = false; }, {"become-root", "/suid"},
                 [](Container& c) {
                   c.spec.process.no_new_privileges = true;
                   c.spec.process.user.name = "1000:1000";
                 });
  expect_held_by([](Container& c) { c.spec.linux_.resources.pids_limit = -1; }, {"processes", "50"},
                 [](Container& c) { c.spec.linux_.resources.pids_limit = 20; });
  expect_held_by(
      [](Container& c) { c.spec.linux_.resources.memory_limit = c.spec.linux_.resources.memory_swap = -1; },
      {"memory", "64"},
      [](Container& c) { c.spec.linux_.resources.memory_limit = c.spec.linux_.resources.memory_swap = limit; });
}

TEST_F(EscapeTest, CallsThatTheFilterRefuses) {
  expect_held_by(no_filter, {"keyring"});
  expect_held_by(no_filter, {"user-namespace"});
  expect_held_by(with_capability("SYS_ADMIN"), {"bpf"});
  expect_held_by(with_capability("SYSLOG"), {"kernel-log"});
  struct stat st;
  if (::stat(sandbox.directory().c_str(), &st) != 0 || !path_exists("/sys/fs/ext4")) return;  // ext4's inode number
  expect_held_by(
      [](Container& c) {
        c.add_capability("DAC_READ_SEARCH");
        c.without_filter();
      },
      {"by-handle", "/bound"},
      [&](Container& c) {
        c.spec.mounts.push_back({"/bound", "bind", sandbox.lower() + "/etc/passwd", {"bind"}});
      });
}

TEST_F(EscapeTest, NamesOfTheHost) {
  const std::string name = "consort-escape-" + sandbox.id();
  sockaddr_un address{};
  address.sun_family = AF_UNIX;
  name.copy(address.sun_path + 1, sizeof address.sun_path - 2);
  const Fd listener(::socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
  const auto size = static_cast<socklen_t>(offsetof(sockaddr_un, sun_path) + 1 + name.size());
  ASSERT_EQ(::bind(listener.get(), reinterpret_cast<sockaddr*>(&address), size), 0);
  ASSERT_EQ(::listen(listener.get(), 5), 0);
  expect_held_by(without(NamespaceKind::network), {"abstract-socket", name});

  const key_t key = 0x10000000 + ::getpid();
  const int segment = ::shmget(key, 4096, IPC_CREAT | 0600);
  ASSERT_GE(segment, 0);
  expect_held_by(without(NamespaceKind::ipc), {"shared-memory", std::to_string(key)});
  ::shmctl(segment, IPC_RMID, nullptr);
}

}  // namespace
}  // namespace consort::runtime

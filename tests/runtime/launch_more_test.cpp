// Less common launches: shared namespaces, init, user namespaces, mounts for old kernels, and failing starts.
#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/loop/event_loop.hpp"
#include "base/os/processes/process_stat.hpp"
#include "base/os/trees/overlay_view.hpp"
#include "base/strings.hpp"
#include "runtime/exe_seal.hpp"
#include "runtime/launch/rootfs.hpp"
#include "sandbox_fixture.hpp"

namespace consort::runtime {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class LaunchMoreTest : public SandboxTest {
 protected:
  std::string out_of(const Spec& spec) { return out_of(spec, sandbox.options()); }
  std::string out_of(const Spec& spec, const LaunchOptions& options) {
    const Result<Outcome> outcome = sandbox.run(spec, options);
    if (!outcome) return "start failed: " + outcome.error().message();
    return outcome->out + outcome->err + (outcome->code ? "code " + std::to_string(outcome->code) : "");
  }
  static Running start(Sandbox& where, std::vector<std::string> words) {
    return SandboxTest::start(where, where.spec(std::move(words)));
  }
};

TEST_F(LaunchMoreTest, NamespacesOfAnotherContainerCanBeJoined) {
  Sandbox other;
  Running donor = start(other, {"namespaces", "--", "echo", "end", "--", "pause"});
  std::vector<std::string> theirs;
  for (std::string line = donor.read_line().value(); line != "end"; line = donor.read_line().value())
    theirs.push_back(line);
  Spec spec = sandbox.spec({"namespaces", "--", "pids"});
  const std::string proc = "/proc/" + std::to_string(donor.pid()) + "/ns/";
  for (Namespace& ns : spec.linux_.namespaces) {
    if (ns.kind == NamespaceKind::pid) ns.path = proc + "pid";
    if (ns.kind == NamespaceKind::ipc) ns.path = proc + "ipc";
    if (ns.kind == NamespaceKind::uts) ns.path = proc + "uts";
  }
  LaunchOptions options = sandbox.options();
  const Fd netns = open_file(proc + "net", O_RDONLY).value();
  options.netns_fd = netns.get();
  const std::vector<std::string> ours = split(out_of(spec, options), '\n');
  ASSERT_GE(ours.size(), 8u);
  for (const std::size_t shared : {1u, 3u, 4u, 6u}) EXPECT_EQ(ours[shared], theirs[shared]);  // ipc net pid uts
  EXPECT_NE(ours[2], theirs[2]);                                                              // mnt
  EXPECT_THAT(ours[7], testing::Not(StartsWith("pid=1 ")));
}

// As systemd sets it up. A root file system that is a directory, or an overlay that was mounted in the older way, is
// then cloned from a shared mount.
TEST_F(LaunchMoreTest, StartsWhereTheHostsMountsAreShared) {
  LaunchOptions options = sandbox.options();
  const std::string too_long_for_the_newer = std::string(200, 'x') + "/" + std::string(100, 'x');
  options.overlay->lower.push_back(sandbox.directory() + "/" + too_long_for_the_newer);
  ASSERT_TRUE(make_directories(options.overlay->lower.back()));
  std::vector<std::string> outs;
  std::thread([&] {
    if (::unshare(CLONE_FS | CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr) != 0)
      return;
    outs.push_back(out_of(sandbox.spec({"echo", "hello"}), options));
    options.overlay.reset();
    Spec spec = sandbox.spec({"echo", "hello"});
    spec.root_path = "lower";
    outs.push_back(out_of(spec, options));
  }).join();
  EXPECT_EQ(outs, std::vector<std::string>(2, "hello\n"));
}

TEST_F(LaunchMoreTest, HostModesShareTheHosts) {
  Spec spec = sandbox.spec({"namespaces"});
  std::erase_if(spec.linux_.namespaces, [](const Namespace& ns) { return ns.kind != NamespaceKind::mount; });
  const std::string out = out_of(spec);
  for (const char* const kind : {"ipc", "net", "pid", "uts", "cgroup"})
    EXPECT_THAT(out, HasSubstr(std::filesystem::read_symlink(std::string("/proc/self/ns/") + kind).string()));
}

TEST_F(LaunchMoreTest, InitPassesSignalsAndExitCodesOn) {
  LaunchOptions options = sandbox.options();
  options.init_program = CONSORT_INIT;
  const auto with_init = [this](std::vector<std::string> words) {
    Spec spec = sandbox.spec(std::move(words));
    spec.annotations[std::string(init_annotation)] = "true";
    return spec;
  };
  EXPECT_THAT(out_of(with_init({"pids", "--", "exit", "7"}), options), StartsWith("pid=2 ppid=1 sid=1\ncode 7"));
  Spec missing = with_init({});
  missing.process.args = {"/nosuch"};
  EXPECT_THAT(out_of(missing, options), HasSubstr("code 127"));
  Result<Running> running = Running::start(sandbox, with_init({"handle", "15"}), options);
  ASSERT_TRUE(running) << running.error().message();
  ASSERT_EQ(running->read_line().value(), "ready");
  ::kill(running->pid(), SIGTERM);
  EXPECT_EQ(running->read_line().value(), "got 15");
  EXPECT_EQ(running->wait()->code, 0);
}

TEST_F(LaunchMoreTest, InitReapsOrphans) {
  LaunchOptions options = sandbox.options();
  options.init_program = CONSORT_INIT;
  Spec spec = sandbox.spec({"spawn", "spawn", "true", "--", "sleep", "100", "--", "ls", "/proc"});
  spec.annotations[std::string(init_annotation)] = "true";
  const std::vector<std::string> entries = split(out_of(spec, options), '\n');
  // init, the probe, and the probe's own dead child, which it does not wait for; not the orphan.
  EXPECT_EQ(std::ranges::count_if(entries, [](const std::string& name) { return parse_unsigned(name).has_value(); }),
            3);
}

TEST_F(LaunchMoreTest, ReadOnlyBindsAreSoAllTheWayDown) {
  const std::string host = sandbox.directory() + "/host";
  (void)make_directories(host + "/sub");
  ASSERT_EQ(::mount("tmpfs", (host + "/sub").c_str(), "tmpfs", 0, nullptr), 0);
  Spec spec = sandbox.spec({"write", "/a/sub/x", "y"});
  spec.mounts.push_back({"/a", "bind", host, {"rbind", "ro"}});
  EXPECT_EQ(out_of(spec), "probe: /a/sub/x: EROFS\ncode 1");
  ::umount2((host + "/sub").c_str(), MNT_DETACH);
}

TEST_F(LaunchMoreTest, PrivilegedContainersMayMount) {
  Spec spec = sandbox.spec({"try", "mount", "sethostname", "--", "open", "/proc/sys/kernel/domainname"});
  Capabilities sets;
  sets.bounding = sets.effective = sets.permitted = all_capabilities();
  spec.process.capabilities = sets;
  spec.linux_.masked_paths.clear();
  spec.linux_.readonly_paths.clear();
  spec.linux_.resources.devices = {{.allow = true}};
  spec.linux_.devices = all_host_devices().value();
  EXPECT_EQ(out_of(spec), "mount=ok\nsethostname=ok\n/proc/sys/kernel/domainname=ok\n");
}

TEST_F(LaunchMoreTest, TmpfsTakesItsOptions) {
  Spec spec = sandbox.spec({"stat", "/t", "--", "space", "/t"});
  spec.mounts.push_back({"/t", "tmpfs", "tmpfs", {"nosuid", "nodev", "noexec", "size=1m", "mode=700", "uid=5"}});
  EXPECT_EQ(out_of(spec), "/t d 0700 5:0 0:0\nsize=1048576 readonly=0\n");
}

// A secret's directory must not become open to all because it is in memory now.
TEST_F(LaunchMoreTest, TmpfsWithoutAModeHasThatOfTheDirectoryBelow) {
  for (const auto& [directory, mode] : {std::pair<const char*, mode_t>{"/closed", 0700}, {"/sticky", 01777}}) {
    ASSERT_TRUE(make_directories(sandbox.upper() + directory, 0700));
    ASSERT_EQ(::chmod((sandbox.upper() + directory).c_str(), mode), 0);
  }
  Spec spec = sandbox.spec({"stat", "/closed", "/sticky", "/new", "/given"});
  for (const char* place : {"/closed", "/sticky", "/new"}) spec.mounts.push_back({place, "tmpfs", "tmpfs", {"nosuid"}});
  spec.mounts.push_back({"/given", "tmpfs", "tmpfs", {"mode=711"}});
  EXPECT_EQ(out_of(spec),
            "/closed d 0700 0:0 0:0\n/sticky d 1777 0:0 0:0\n/new d 1777 0:0 0:0\n/given d 0711 0:0 0:0\n");
}

TEST_F(LaunchMoreTest, UserNamespaceMapsRootToAnother) {
  constexpr std::uint32_t host_id = 231072;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(sandbox.directory()))
    (void)!::lchown(entry.path().c_str(), host_id, host_id);
  Spec spec = sandbox.spec({"id", "--", "write", "/mine", "x", "--", "open", "/dev/null", "--", "caps"});
  spec.linux_.namespaces.push_back({NamespaceKind::user, ""});
  spec.linux_.uid_mappings = spec.linux_.gid_mappings = {{0, host_id, 65536}};
  const std::string out = out_of(spec);
  EXPECT_THAT(out, StartsWith("uid=0 gid=0 groups=0 umask=0022\n/dev/null=ok\n"));
  EXPECT_EQ(stat_path(sandbox.upper() + "/mine").value().st_uid, host_id);
}

TEST_F(LaunchMoreTest, OverlayOfOlderKernelsIsAsDetached) {
  sandbox.write("/etc/mark", "seen");
  const OverlayRoot overlay{{sandbox.lower()}, sandbox.upper(), sandbox.directory() + "/work"};
  const std::string before = host_traces();
  const Fd tree = std::move(internal::mount_overlay_legacy(overlay, sandbox.directory()).value());
  EXPECT_EQ(host_traces(), before);
  const Fd file = std::move(open_in_root(tree.get(), "/etc/mark", O_RDONLY).value());
  EXPECT_EQ(read_all(file.get(), 100).value(), "seen");
}

TEST_F(LaunchMoreTest, ManyLayersWithLongNamesWork) {
  OverlayRoot overlay{{}, sandbox.upper(), sandbox.directory() + "/work"};
  for (int i = 0; i < 60; ++i) {
    overlay.lower.push_back(sandbox.directory() + "/" + std::string(200, 'x') + std::to_string(i));
    ASSERT_TRUE(make_directories(overlay.lower.back()));
  }
  overlay.lower.push_back(sandbox.lower());
  LaunchOptions options = sandbox.options();
  options.overlay = overlay;
  EXPECT_EQ(out_of(sandbox.spec({"echo", "up"}), options), "up\n");
}

// A backslash escapes in the options of overlayfs, commas and colons separate.
TEST_F(LaunchMoreTest, ADataRootMayBeCalledAsOptionsAreWritten) {
  // The root file system is mounted on the bundle, and covers what is in it.
  std::string outside = testing::TempDir() + "consort-odd-XXXXXX";
  ASSERT_NE(::mkdtemp(outside.data()), nullptr);
  for (const char* name : {"a\\b", "a,upperdir=b", "a:b", "a\\,b:c\\"}) {
    const std::string root = outside + "/" + name;
    OverlayRoot overlay{{root + "/one", root + "/two"}, root + "/upper", root + "/work"};
    for (const char* part : {"one", "two", "upper", "work"}) ASSERT_TRUE(make_directories(root + "/" + part));
    ASSERT_TRUE(write_file_atomic(root + "/one/mark", name, 0644));
    for (const bool detached : {true, false}) {
      const Result<Fd> tree = detached ? internal::mount_overlay_new(overlay)
                                       : internal::mount_overlay_legacy(overlay, sandbox.directory());
      ASSERT_TRUE(tree) << tree.error().message();
      const Fd file = std::move(open_in_root(tree->get(), "/mark", O_RDONLY).value());
      EXPECT_EQ(read_all(file.get(), 100).value(), name);
      ASSERT_EQ(::mkdirat(tree->get(), detached ? "new" : "old", 0755), 0);
      EXPECT_TRUE(path_exists(root + "/upper/" + (detached ? "new" : "old")));
    }
    overlay.upper = overlay.work = "";
    Spec spec = sandbox.spec({"open", "/layers/mark"});
    spec.mounts.push_back({"/layers", "overlay", "overlay", {"ro", overlay_lower_option(overlay.lower)}});
    EXPECT_EQ(out_of(spec), "/layers/mark=EROFS\n");  // it is there, and asked for to be written
  }
  ASSERT_TRUE(remove_tree(outside));
}

// overlayfs refuses a directory that is listed twice.
TEST_F(LaunchMoreTest, ALayerThatIsThereTwiceHoldsAtTheTop) {
  const std::string twin = sandbox.directory() + "/twin";
  ASSERT_TRUE(make_directories(twin));
  ASSERT_TRUE(write_file_atomic(twin + "/mark", "twin", 0644));
  const std::string between = sandbox.directory() + "/between";
  ASSERT_TRUE(make_directories(between));
  ASSERT_TRUE(write_file_atomic(between + "/mark", "between", 0644));
  for (const bool writable : {true, false}) {
    OverlayRoot overlay{{twin, between, twin, sandbox.lower()}, {}, {}};
    if (writable) {
      overlay.upper = sandbox.upper();
      overlay.work = sandbox.directory() + "/work";
    }
    const Result<Fd> tree = internal::mount_overlay(overlay, sandbox.directory());
    ASSERT_TRUE(tree) << tree.error().message();
    const Fd file = std::move(open_in_root(tree->get(), "/mark", O_RDONLY).value());
    EXPECT_EQ(read_all(file.get(), 100).value(), "twin");
  }
}

TEST_F(LaunchMoreTest, APlainDirectoryCanBeTheRoot) {
  LaunchOptions options = sandbox.options();
  options.overlay.reset();
  Spec spec = sandbox.spec({"echo", "up"});
  spec.root_path = "lower";
  EXPECT_EQ(out_of(spec, options), "up\n");
}

TEST_F(LaunchMoreTest, RunToEndTellsHowItEnded) {
  const auto run = [this](std::vector<std::string> words, int cancel_fd = -1) {
    return run_to_end(sandbox.spec(std::move(words)), sandbox.options(), cancel_fd);
  };
  EXPECT_EQ(run({"exit", "3"})->status.code, 3);
  Pipe cancel = make_pipe().value();
  ASSERT_TRUE(write_full(cancel.write.get(), "x"));
  const Result<RunOutcome> cancelled = run({"pause"}, cancel.read.get());
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().code(), Code::interrupted);
}

TEST_F(LaunchMoreTest, ABuildStepDiesWithItsBuilder) {
  Spec spec = sandbox.spec({"echo", "up", "--", "pause"});
  spec.process.user.name = "alice";
  Pipe out = make_pipe().value();
  LaunchOptions options = sandbox.options();
  options.stdio.out = out.write.get();
  const pid_t builder = ::fork();
  if (builder == 0) {
    (void)run_to_end(spec, options);
    ::_exit(0);
  }
  ChildGuard guard(builder);
  out.write.reset();
  char text[3];
  ASSERT_EQ(read_full(out.read.get(), std::as_writable_bytes(std::span(text))).value(), 3u);
  { const ChildGuard killed = std::move(guard); }
  EXPECT_EQ(read_all(out.read.get(), 100).value_or("?"), "");  // it ends when the container does
  EXPECT_TRUE(Cgroup::open(spec.linux_.cgroups_path).remove());
}

TEST_F(LaunchMoreTest, KilledInSetUpIsNotAStart) {
  Launch launch = std::move(Launch::begin(sandbox.spec({"true"}), sandbox.options()).value());
  ASSERT_TRUE(launch.wait_for(Launch::State::ready));
  ::kill(launch.pid(), SIGKILL);
  (void)launch.start();
  const Result<> started = launch.wait_for(Launch::State::started);
  ASSERT_FALSE(started);
  EXPECT_EQ(started.error().message(), "set up container: its process was killed before it could run the program");
}

TEST_F(LaunchMoreTest, AnAbandonedLaunchLeavesNothing) {
  pid_t pid = 0;
  {
    Launch launch = std::move(Launch::begin(sandbox.spec({"pause"}), sandbox.options()).value());
    ASSERT_TRUE(launch.wait_for(Launch::State::ready));
    pid = launch.pid();
  }
  EXPECT_EQ(::kill(pid, 0), -1);
}

TEST_F(LaunchMoreTest, ASiblingBelongsToOurParent) {
  LaunchOptions options = sandbox.options();
  options.child_of = ChildOf::sibling;
  std::string group;
  {
    Launch launch = std::move(Launch::begin(sandbox.spec({"pause"}), options).value());
    ASSERT_TRUE(launch.wait_for(Launch::State::ready));
    EXPECT_EQ(stat_fields_of(launch.pid())->parent(), ::getppid());
    group = launch.cgroup_path();
  }
  EXPECT_TRUE(Cgroup::open(group).remove());  // it has been killed; waiting for its end is up to the caller
}

TEST_F(LaunchMoreTest, AMemoryLimitTooSmallToStartSaysSo) {
  Spec spec = sandbox.spec({"true"});
  spec.linux_.resources.memory_limit = spec.linux_.resources.memory_swap = 64 << 10;
  const Result<Outcome> outcome = sandbox.run(spec);
  if (outcome) GTEST_SKIP() << "this kernel lets it start";
  EXPECT_THAT(outcome.error().message(), HasSubstr("out of memory"));
}

TEST_F(LaunchMoreTest, ScriptsWithoutInterpreterAreExplained) {
  sandbox.write("/script", "#!/no/such/sh\n", 0755);
  sandbox.write("/text", "just text\n", 0755);
  Spec spec = sandbox.spec({});
  spec.process.args = {"/script"};
  const Result<Outcome> script = sandbox.run(spec);
  ASSERT_FALSE(script);
  EXPECT_EQ(script.error().message(), "exec /script: no such file or directory");
  EXPECT_EQ(exit_code_of_failed_start(script.error()), 127);
  spec.process.args = {"/text"};
  const Result<Outcome> text = sandbox.run(spec);
  ASSERT_FALSE(text);
  EXPECT_EQ(text.error().message(), "exec /text: exec format error");
  EXPECT_EQ(exit_code_of_failed_start(text.error()), 126);
}

TEST_F(LaunchMoreTest, SealedProgramsCannotBeWrittenThroughProc) {
  const std::string program = sandbox.lower() + "/probe";
  const auto reopen = [&](const std::string& path) -> int {
    ChildGuard child = std::move(spawn({.argv = {path, "pause"}, .environment = {"A=1"}}).value());
    // posix_spawn returns after the exec, so this is the new program already.
    const Fd exe = std::move(open_file("/proc/" + std::to_string(child.pid()) + "/exe", O_PATH).value());
    { const ChildGuard killed = std::move(child); }
    // If another process is reading its /proc entries, the program stays busy for a moment after its process has ended.
    for (int tries = 0;; ++tries) {
      const Result<Fd> writable = open_file("/proc/self/fd/" + std::to_string(exe.get()), O_WRONLY);
      if (writable) return 0;
      if (writable.error().sys_errno() != ETXTBSY || tries == 1000) return writable.error().sys_errno();
      ::poll(nullptr, 0, 10);
    }
  };
  EXPECT_EQ(reopen(program), 0);
  const Fd sealed = std::move(open_sealed(program).value());
  EXPECT_EQ(reopen("/proc/" + std::to_string(::getpid()) + "/fd/" + std::to_string(sealed.get())), EROFS);
  EXPECT_FALSE(running_sealed());
}

// Between clone and execve, the child of another launch has a copy of our socket. Until then, a closed descriptor that
// is still being watched would wake the loop needlessly.
TEST_F(LaunchMoreTest, WakesItsLoopForNewsOnly) {
  EventLoop loop = std::move(EventLoop::create().value());
  Result<Launch> launch = Launch::begin(sandbox.spec({"pause"}), sandbox.options());
  ASSERT_TRUE(launch) << launch.error().message();
  const Fd copy = duplicate(launch->sync_fd()).value();
  auto state = Launch::State::pending;
  bool released = false;
  const auto on_news = [&](std::uint32_t) {
    const auto now = launch->advance();
    ASSERT_TRUE(now) << now.error().message();
    state = *now;
    if (state != Launch::State::ready || std::exchange(released, true)) return;
    ASSERT_TRUE(launch->start());
  };
  const EventLoop::Token watch = loop.add(launch->sync_fd(), EPOLLIN, on_news).value();
  while (state != Launch::State::started) ASSERT_TRUE(loop.run_once());
  EXPECT_LE(loop.wakeups(), 4u);  // ready, executing, end, and one more in between
  ChildGuard child(launch->pid());
  const std::string cgroup = launch->cgroup_path();
  loop.remove(watch);
  launch = Result<Launch>(fail(Code::internal, "over"));
  const std::uint64_t before = loop.wakeups();
  ASSERT_TRUE(loop.run_once(std::chrono::milliseconds(50)));
  EXPECT_EQ(loop.wakeups(), before);
  { const ChildGuard end = std::move(child); }
  EXPECT_TRUE(Cgroup::open(cgroup).remove());
}

}  // namespace
}  // namespace consort::runtime

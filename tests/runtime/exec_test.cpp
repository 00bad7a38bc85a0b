// A second process in a running container, terminals, and what is visible from outside.
#include "runtime/exec.hpp"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <array>

#include "base/os/files/file.hpp"
#include "runtime/cgroup/cgroup_hierarchy.hpp"
#include "runtime/inspect.hpp"
#include "sandbox_fixture.hpp"

namespace consort::runtime {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

class ExecTest : public SandboxTest {
 protected:
  Running start(const Spec& spec) { return SandboxTest::start(sandbox, spec); }
  static std::string exec(const Running& in, const Process& process) {
    Pipe out = make_pipe().value();
    ExecOptions options;
    options.pid = in.pid();
    options.pidfd = in.pidfd();
    options.cgroup_path = in.cgroup_path();
    options.stdio.out = out.write.get();
    Result<Launch> launch = begin_exec(process, options);
    if (!launch) return launch.error().message();
    if (Result<> ready = launch->wait_for(Launch::State::ready); !ready) return ready.error().message();
    (void)launch->start();
    if (Result<> started = launch->wait_for(Launch::State::started); !started) return started.error().message();
    ChildGuard child(launch->pid());
    out.write.reset();
    std::string text = read_all(out.read.get(), 1 << 20).value_or("?");
    const ExitStatus status = child.wait().value();
    return status.code ? text + "code " + std::to_string(status.code) : text;
  }
};

TEST_F(ExecTest, SharesEverythingWithTheContainer) {
  const Spec spec = sandbox.spec({"write", "/mark", "seen", "--", "namespaces", "--", "echo", "end", "--", "pause"});
  Running running = start(spec);
  std::string namespaces;
  for (std::string line = running.read_line().value(); line != "end"; line = running.read_line().value())
    namespaces += line + "\n";
  Process process = spec.process;
  process.args = {"/probe", "cat", "/mark", "--", "namespaces", "--", "caps", "--", "fds"};
  const std::string out = exec(running, process);
  EXPECT_THAT(out, StartsWith("seen" + namespaces));
  EXPECT_THAT(out, HasSubstr("CapEff:\t00000000a80425fb"));
  EXPECT_THAT(out, testing::EndsWith("\n0\n1\n2\n"));
}

// While it lives, this process's root is another mount of the same files, as in a chroot.
class Chroot {
 public:
  explicit Chroot(const std::string& directory)
      : directory_(directory),
        root_before_(open_file("/", O_PATH | O_DIRECTORY).value()),
        working_before_(open_file(".", O_PATH | O_DIRECTORY).value()) {
    if (::mount("/", directory_.c_str(), nullptr, MS_BIND | MS_REC, nullptr) != 0 ||
        ::mount(nullptr, directory_.c_str(), nullptr, MS_REC | MS_PRIVATE, nullptr) != 0 ||
        ::chroot(directory_.c_str()) != 0)
      throw std::runtime_error("chroot");
  }
  ~Chroot() {
    if (::fchdir(root_before_.get()) != 0 || ::chroot(".") != 0 || ::fchdir(working_before_.get()) != 0 ||
        ::umount2(directory_.c_str(), MNT_DETACH) != 0 || ::rmdir(directory_.c_str()) != 0)
      ADD_FAILURE() << "this process stays in its chroot";
  }
  Chroot(const Chroot&) = delete;
  Chroot& operator=(const Chroot&) = delete;

 private:
  std::string directory_;
  Fd root_before_, working_before_;
};

TEST_F(ExecTest, EntersTheContainerInAChrootToo) {
  std::string directory = testing::TempDir() + "consort-chroot-XXXXXX";
  ASSERT_NE(::mkdtemp(directory.data()), nullptr);
  const Chroot chroot(directory);
  const Spec spec = sandbox.spec({"write", "/mark", "seen", "--", "echo", "end", "--", "pause"});
  Running running = start(spec);
  ASSERT_EQ(running.read_line().value(), "end");
  Process process = spec.process;
  process.args = {"/probe", "cat", "/mark"};
  EXPECT_EQ(exec(running, process), "seen");
}

TEST_F(ExecTest, RunsInTheContainersCgroup) {
  Running running = start(sandbox.spec({"echo", "up", "--", "pause"}));
  ASSERT_EQ(running.read_line().value(), "up");
  Process process = sandbox.spec({}).process;
  process.args = {"/probe", "cat", "/proc/self/cgroup"};
  const std::string out = exec(running, process);
  // The root of the container's cgroup namespace.
  EXPECT_THAT(out, HasSubstr(cgroup_version() == CgroupVersion::v2 ? "0::/\n" : ":memory:/\n"));
}

// A process in the container that may trace others must not get hold of our privileges and descriptors.
TEST_F(ExecTest, IsSetUpWhereTheContainerDoesNotSeeIt) {
  Running running = start(sandbox.spec({"echo", "up", "--", "pause"}));
  ASSERT_EQ(running.read_line().value(), "up");
  const auto namespace_of = [](const std::string& pid) { return stat_path("/proc/" + pid + "/ns/pid").value().st_ino; };
  ExecOptions options{.pid = running.pid(), .pidfd = running.pidfd(), .cgroup_path = running.cgroup_path()};
  Process process = sandbox.spec({}).process;
  process.args = {"/probe", "pause"};
  Launch launch = begin_exec(process, options).value();
  ASSERT_TRUE(launch.wait_for(Launch::State::ready));
  EXPECT_EQ(namespace_of(std::to_string(launch.pid())), namespace_of("self"));
  ASSERT_TRUE(launch.start());
  ASSERT_TRUE(launch.wait_for(Launch::State::started));
  ChildGuard child(launch.pid());
  EXPECT_EQ(namespace_of(std::to_string(launch.pid())), namespace_of(std::to_string(running.pid())));
}

// The container's first process reaps nothing, so orphans would stay forever, alive or dead.
TEST_F(ExecTest, AnAttendantEndsAllThatItsProcessHasStarted) {
  Running running = start(sandbox.spec({"echo", "up", "--", "pause"}));
  ASSERT_EQ(running.read_line().value(), "up");
  const auto count = [&] { return Cgroup::open(running.cgroup_path()).pids().value().size(); };
  const auto run = [&](std::vector<std::string> words, bool end) {
    Pipe out = make_pipe().value();
    ExecOptions options{.pid = running.pid(), .pidfd = running.pidfd(), .cgroup_path = running.cgroup_path()};
    options.stdio.out = out.write.get();
    options.attendant = CONSORT_INIT;
    Process process = sandbox.spec({}).process;
    process.args = std::move(words);
    Launch launch = begin_exec(process, options).value();
    EXPECT_TRUE(launch.wait_for(Launch::State::ready));
    EXPECT_TRUE(launch.start());
    EXPECT_TRUE(launch.wait_for(Launch::State::started));
    ChildGuard child(launch.pid());
    std::array<char, 6> ready;
    EXPECT_EQ(::read(out.read.get(), ready.data(), ready.size()), 6);
    EXPECT_TRUE(!end || send_signal(launch.pidfd(), SIGTERM));
    return child.wait().value().code;
  };
  EXPECT_EQ(
      run({"/probe", "spawn", "spawn", "pause", "--", "spawn", "pause", "--", "echo", "ready", "--", "pause"}, true),
      137);
  EXPECT_EQ(count(), 1u);
  // A process that exits by itself leaves its children running, as before.
  EXPECT_EQ(run({"/probe", "spawn", "pause", "--", "echo", "ready", "--", "exit", "3"}, false), 3);
  EXPECT_EQ(count(), 2u);
}

// Done by systemd, or by an engine in a privileged container: a cgroup that delegates controllers may not contain
// processes.
TEST_F(ExecTest, RunsBesideTheFirstProcessInADividedCgroup) {
  const auto& all = internal::hierarchies();
  const auto unified = std::ranges::find_if(all, [](const internal::Hierarchy& h) { return h.unified; });
  if (unified == all.end()) GTEST_SKIP() << "no cgroup2 hierarchy";
  Running running = start(sandbox.spec({"echo", "up", "--", "pause"}));
  ASSERT_EQ(running.read_line().value(), "up");
  const std::string group = unified->directory(running.cgroup_path());
  ASSERT_TRUE(make_directories(group + "/inner", 0755));
  const auto write = [&](const std::string& file, const std::string& text) {
    return write_full(open_file(group + file, O_WRONLY).value().get(), text);
  };
  ASSERT_TRUE(write("/inner/cgroup.procs", std::to_string(running.pid())));
  if (unified->has("pids")) {
    ASSERT_TRUE(write("/cgroup.subtree_control", "+pids"));
  }
  Process process = sandbox.spec({}).process;
  process.args = {"/probe", "cat", "/proc/self/cgroup"};
  EXPECT_THAT(exec(running, process), HasSubstr("0::/inner\n"));
  EXPECT_EQ(Cgroup::open(running.cgroup_path()).pids().value(), std::vector<pid_t>{running.pid()});
}

TEST_F(ExecTest, UserAndFailuresAreTheContainers) {
  Running running = start(sandbox.spec({"echo", "up", "--", "pause"}));
  ASSERT_EQ(running.read_line().value(), "up");
  Process process = sandbox.spec({"id"}).process;
  process.user.name = "alice";
  EXPECT_EQ(exec(running, process), "uid=1000 gid=1000 groups=29,50,1000 umask=0022\n");
  process.args = {"nosuch"};
  EXPECT_EQ(exec(running, process), "exec: \"nosuch\": executable file not found in $PATH");
  process = sandbox.spec({"true"}).process;
  process.cwd = "/nowhere";
  EXPECT_EQ(exec(running, process), "chdir to cwd (\"/nowhere\") set in config.json failed: no such file or directory");
}

TEST_F(ExecTest, AnEndedContainerCannotBeEntered) {
  Running running = start(sandbox.spec({"true"}));
  const pid_t pid = running.pid();
  (void)running.wait();
  ExecOptions options;
  options.pid = pid;
  options.pidfd = running.pidfd();
  const Result<Launch> launch = begin_exec(sandbox.spec({"true"}).process, options);
  ASSERT_FALSE(launch);
  EXPECT_EQ(launch.error().code(), Code::not_found);
  EXPECT_EQ(launch.error().message(), "enter container: it is not running");
}

std::string read_until(int fd, std::string_view end) {
  std::string text;
  char c;
  while (!text.ends_with(end) && ::read(fd, &c, 1) == 1) text += c;
  return text;
}

TEST_F(ExecTest, TerminalIsAPtyOfTheContainer) {
  Spec spec = sandbox.spec({"isatty", "--", "stat", "/dev/console", "--", "pause"});
  spec.process.terminal = true;
  spec.process.console_height = 24;
  spec.process.console_width = 80;
  Running running = start(spec);
  ASSERT_GE(running.console(), 0);
  EXPECT_EQ(read_until(running.console(), "columns=80\r\n"), "1 1 1 rows=24 columns=80\r\n");
  EXPECT_EQ(read_until(running.console(), "\n"), "/dev/console c 0620 0:5 136:0\r\n");
  // Ctrl-C reaches the foreground process, because the terminal is its controlling one. Pid 1 ignores it without a
  // handler.
  Process process = spec.process;
  process.args = {"/probe", "handle", "2"};
  ExecOptions options;
  options.pid = running.pid();
  Launch launch = std::move(begin_exec(process, options).value());
  ASSERT_TRUE(launch.wait_for(Launch::State::ready));
  const Fd console = launch.take_console();
  ASSERT_TRUE(console);
  ASSERT_TRUE(launch.start());
  ASSERT_TRUE(launch.wait_for(Launch::State::started));
  ChildGuard child(launch.pid());
  EXPECT_EQ(read_until(console.get(), "\n"), "ready\r\n");
  ASSERT_EQ(::write(console.get(), "\x03", 1), 1);
  EXPECT_EQ(read_until(console.get(), "\n"), "^Cgot 2\r\n");
  EXPECT_EQ(child.wait()->code, 0);
}

TEST_F(ExecTest, SignalsThatCannotBeHeardAreKnown) {
  const auto becomes = [this](SignalDisposition wanted, std::vector<std::string> words) {
    words.insert(words.begin(), {"echo", "up", "--"});
    Running running = start(sandbox.spec(std::move(words)));
    (void)running.read_line();
    // Waits until it has reached its last verb.
    for (int i = 0; i < 60'000; ++i, ::usleep(1000))
      if (signal_disposition(running.pid(), SIGTERM).value() == wanted) return true;
    return false;
  };
  EXPECT_TRUE(becomes(SignalDisposition::by_default, {"pause"}));
  EXPECT_TRUE(becomes(SignalDisposition::ignores, {"ignore", "15", "--", "pause"}));
  EXPECT_TRUE(becomes(SignalDisposition::handles, {"handle", "15"}));
  EXPECT_EQ(signal_disposition(1 << 22, SIGTERM).error().code(), Code::not_found);
}

// The kernel shows a signal that a process waits for as not blocked; our own init waits in this way, too.
TEST_F(ExecTest, SignalsThatAreWaitedForAreHeard) {
  const pid_t child = ::fork();
  if (child == 0) {
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGTERM);
    ::sigprocmask(SIG_BLOCK, &set, nullptr);
    while (true) ::sigwaitinfo(&set, nullptr);
  }
  const ChildGuard guard(child);
  const std::string status = "/proc/" + std::to_string(child) + "/";
  for (int i = 0; i < 60'000; ++i, ::usleep(1000))
    if (read_file(status + "syscall").value().starts_with(std::to_string(SYS_rt_sigtimedwait) + " ")) break;
  EXPECT_THAT(read_file(status + "status").value(), testing::HasSubstr("SigBlk:\t0000000000000000"));
  EXPECT_EQ(signal_disposition(child, SIGTERM).value(), SignalDisposition::blocks);
  EXPECT_EQ(signal_disposition(child, SIGHUP).value(), SignalDisposition::by_default);
}

TEST_F(ExecTest, ListeningPortsAreSeenWithTheirReach) {
  Running running = start(sandbox.spec({"listen", "5432", "127.0.0.1", "--", "listen", "80", "--", "listen", "81",
                                        "::1", "--", "listen", "8000", "::", "--", "echo", "all", "--", "pause"}));
  while (running.read_line().value() != "all") {
  }
  const std::vector<ListeningPort> ports = listening_tcp_ports(running.pid()).value();
  std::string text;
  for (const ListeningPort& port : ports)
    text += std::to_string(port.port) + (port.scope == ListenScope::reachable ? " reachable\n" : " loopback\n");
  EXPECT_EQ(text, "80 reachable\n81 loopback\n5432 loopback\n8000 reachable\n");
}

TEST(ListeningTable, MappedAddressesAndStatesAreUnderstood) {
  const std::vector<ListeningPort> ports = parse_listening(
      "  sl  local_address rem_address   st\n"
      "   0: 00000000000000000000000000000000:1F40 00000000000000000000000000000000:0000 0A 0\n"
      "   1: 0000000000000000FFFF00000100007F:1F41 00000000000000000000000000000000:0000 0A 0\n"
      "   2: 0100007F:1F40 00000000:0000 0A 0\n"
      "   3: 0100007F:1F42 00000000:0000 01 0\n"
      "   4: garbage 0A 0A 0A\n");
  ASSERT_EQ(ports.size(), 2u);
  EXPECT_EQ(ports[0].port, 8000);
  EXPECT_EQ(ports[0].scope, ListenScope::reachable);
  EXPECT_EQ(ports[1].port, 8001);
  EXPECT_EQ(ports[1].scope, ListenScope::loopback);
}

}  // namespace
}  // namespace consort::runtime

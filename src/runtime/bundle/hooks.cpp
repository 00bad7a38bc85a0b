#include "runtime/bundle/hooks.hpp"

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <chrono>
#include <functional>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/strings.hpp"

namespace consort::runtime::internal {

namespace {

using std::chrono::steady_clock;

constexpr std::size_t most_shown = 4096;
constexpr int not_entered = 125, not_executed = 127;

struct KindFlag {
  const char* file;
  int flag;
};
constexpr KindFlag kinds[] = {{"user", CLONE_NEWUSER},     {"mnt", CLONE_NEWNS},   {"pid", CLONE_NEWPID},
                              {"net", CLONE_NEWNET},       {"ipc", CLONE_NEWIPC},  {"uts", CLONE_NEWUTS},
                              {"cgroup", CLONE_NEWCGROUP}, {"time", CLONE_NEWTIME}};

// The process's namespaces that differ from ours: entering one's own user namespace is an error.
int other_namespaces(pid_t pid) {
  int flags = 0;
  for (const KindFlag& kind : kinds) {
    struct stat theirs, ours;
    const std::string path = "/proc/" + std::to_string(pid) + "/ns/" + kind.file;
    if (::stat(path.c_str(), &theirs) != 0) continue;
    if (::stat((std::string("/proc/self/ns/") + kind.file).c_str(), &ours) != 0) continue;
    if (theirs.st_ino != ours.st_ino) flags |= kind.flag;
  }
  return flags;
}

struct Prepared {
  const char* path;
  std::vector<char*> argv, environment;
  const char* directory;
  Fd state, output, process, root;
  int namespaces = 0;
};

std::vector<char*> pointers(const std::vector<std::string>& texts) {
  std::vector<char*> list;
  for (const std::string& text : texts) list.push_back(const_cast<char*>(text.data()));
  list.push_back(nullptr);
  return list;
}

Result<Prepared> prepare(const Hook& hook, const HookCall& call) {
  Prepared prepared{hook.path.c_str(), pointers(hook.args), pointers(hook.env), call.directory.c_str(), {}, {}, {}, {}};
  // The specification leaves open which environment a hook without one has: the caller's, as in other runtimes.
  if (hook.env.empty()) {
    prepared.environment.clear();
    for (char** entry = environ; *entry; ++entry) prepared.environment.push_back(*entry);
    prepared.environment.push_back(nullptr);
  }
  prepared.state = Fd(::memfd_create("state", MFD_CLOEXEC));
  prepared.output = Fd(::memfd_create("output", MFD_CLOEXEC));
  if (!prepared.state || !prepared.output) return fail_errno("create memory file");
  TRY(write_full(prepared.state.get(), call.state));
  if (::lseek(prepared.state.get(), 0, SEEK_SET) != 0) return fail_errno("seek");
  if (call.place == HookPlace::runtime) return prepared;
  prepared.process = TRY(open_pidfd(call.pid));
  prepared.namespaces = other_namespaces(call.pid);
  if (call.place == HookPlace::container)
    prepared.root = TRY(open_file("/proc/" + std::to_string(call.pid) + "/root", O_PATH | O_DIRECTORY));
  return prepared;
}

// In the child: only system calls.
bool enter(const Prepared& prepared) {
  if (!prepared.process) return prepared.directory[0] == '\0' || ::chdir(prepared.directory) == 0;
  if (prepared.namespaces && ::setns(prepared.process.get(), prepared.namespaces) != 0) return false;
  if (prepared.namespaces & CLONE_NEWUSER) {
    if (::syscall(SYS_setresgid, 0, 0, 0) != 0 || ::syscall(SYS_setresuid, 0, 0, 0) != 0) return false;
  }
  if (prepared.root && (::fchdir(prepared.root.get()) != 0 || ::chroot(".") != 0)) return false;
  return ::chdir("/") == 0;
}

// Killed when the command that runs it dies; otherwise that command's container would wait for nothing.
[[noreturn]] void execute(const Prepared& prepared) {
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  for (int signal = 1; signal <= SIGRTMAX; ++signal) ::signal(signal, SIG_DFL);
  if (::dup2(prepared.state.get(), 0) < 0 || ::dup2(prepared.output.get(), 1) < 0 ||
      ::dup2(prepared.output.get(), 2) < 0)
    ::_exit(not_entered);
  ::syscall(SYS_close_range, 3U, ~0U, CLOSE_RANGE_CLOEXEC);
  ::execve(prepared.path, prepared.argv.data(), prepared.environment.data());
  ::_exit(not_executed);
}

// In its own process group, so that everything it has started ends with it. A pid namespace applies only to children,
// hence the extra one.
[[noreturn]] void run_child(const Prepared& prepared) {
  ::setpgid(0, 0);
  ::prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
  if (!enter(prepared)) ::_exit(not_entered);
  if (!(prepared.namespaces & CLONE_NEWPID)) execute(prepared);
  const pid_t inside = ::fork();
  if (inside == 0) execute(prepared);
  int status = 0;
  while (inside > 0 && ::waitpid(inside, &status, 0) < 0 && errno == EINTR) {
  }
  if (inside < 0) ::_exit(not_entered);
  ::_exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

std::string output_of(const Fd& output) {
  if (::lseek(output.get(), 0, SEEK_SET) != 0) return {};
  std::string text(most_shown, '\0');
  const ssize_t got = ::read(output.get(), text.data(), text.size());
  text.resize(got > 0 ? static_cast<std::size_t>(got) : 0);
  return replace_all(std::string(trim(text)), "\n", "; ");
}

// Kills it on timeout.
Result<ExitStatus> wait_for(pid_t pid, const Hook& hook) {
  ChildGuard child(pid);
  const Fd process = TRY(open_pidfd(pid));
  const auto end = steady_clock::now() + std::chrono::seconds(hook.timeout_seconds.value_or(0));
  while (true) {
    const auto left = std::chrono::duration_cast<std::chrono::milliseconds>(end - steady_clock::now()).count() + 1;
    if (hook.timeout_seconds && left <= 0) {
      ::kill(-pid, SIGKILL);
      return fail(Error(Code::io, "it ran past its timeout").on(std::to_string(*hook.timeout_seconds) + "s"));
    }
    constexpr std::int64_t longest = 1 << 30;
    pollfd wait{process.get(), POLLIN, 0};
    const int ready =
        ::poll(&wait, 1, hook.timeout_seconds ? static_cast<int>(std::min<std::int64_t>(left, longest)) : -1);
    if (ready > 0) return child.wait();
    if (ready < 0 && errno != EINTR) return fail_errno("wait for hook");
  }
}

Result<> run_hook(const Hook& hook, const HookCall& call) {
  const Prepared prepared = TRY(prepare(hook, call));
  const pid_t pid = ::fork();
  if (pid < 0) return fail_errno("create process");
  if (pid == 0) run_child(prepared);
  ::setpgid(pid, pid);  // called on both sides, so that it takes effect whichever runs first
  const ExitStatus status = TRY(wait_for(pid, hook));
  if (status.success()) return {};
  Error error(Code::io,
              status.signal ? "signal " + std::to_string(status.signal) : "exit status " + std::to_string(status.code));
  error.data().why = output_of(prepared.output);
  if (status.code == not_executed && !path_exists(hook.path)) error.data().why = "no such file or directory";
  return fail(std::move(error));
}

}  // namespace

Result<> run_hooks(const std::vector<Hook>& hooks, const HookCall& call) {
  for (std::size_t i = 0; i < hooks.size(); ++i)
    TRY_WRAP(run_hook(hooks[i], call), "error running " + std::string(call.kind) + " hook #" + std::to_string(i),
             hooks[i].path);
  return {};
}

void run_all_hooks(const std::vector<Hook>& hooks, const HookCall& call,
                   const std::function<void(const std::string&)>& warn) {
  for (std::size_t i = 0; i < hooks.size(); ++i)
    if (const Result<> ran = run_hook(hooks[i], call); !ran)
      warn("error running " + std::string(call.kind) + " hook #" + std::to_string(i) + " " + hooks[i].path + ": " +
           ran.error().message());
}

}  // namespace consort::runtime::internal

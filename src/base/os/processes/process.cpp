#include "base/os/processes/process.hpp"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/processes/process_group.hpp"
#include "base/os/processes/process_stat.hpp"

namespace consort {

ExitStatus exit_status_of(int wait_status) {
  if (WIFSIGNALED(wait_status)) return {128 + WTERMSIG(wait_status), WTERMSIG(wait_status)};
  return {WEXITSTATUS(wait_status), 0};
}

ChildGuard& ChildGuard::operator=(ChildGuard&& other) noexcept {
  if (this != &other) {
    ChildGuard old(std::exchange(pid_, std::exchange(other.pid_, 0)));
  }
  return *this;
}

ChildGuard::~ChildGuard() {
  if (pid_ <= 0) return;
  ::kill(pid_, SIGKILL);
  int status;
  while (::waitpid(pid_, &status, 0) < 0 && errno == EINTR) {
  }
}

Result<ExitStatus> ChildGuard::wait() {
  int status = 0;
  pid_t got;
  do got = ::waitpid(pid_, &status, 0);
  while (got < 0 && errno == EINTR);
  if (got < 0) return fail_errno("wait for process", std::to_string(pid_));
  pid_ = 0;
  return exit_status_of(status);
}

namespace {

std::vector<char*> pointers(const std::vector<std::string>& strings) {
  std::vector<char*> result;
  for (const std::string& s : strings) result.push_back(const_cast<char*>(s.c_str()));
  result.push_back(nullptr);
  return result;
}

struct FileActions {
  posix_spawn_file_actions_t value;
  FileActions() { ::posix_spawn_file_actions_init(&value); }
  ~FileActions() { ::posix_spawn_file_actions_destroy(&value); }
  FileActions(const FileActions&) = delete;
  FileActions& operator=(const FileActions&) = delete;
};

struct Attributes {
  posix_spawnattr_t value;
  Attributes() { ::posix_spawnattr_init(&value); }
  ~Attributes() { ::posix_spawnattr_destroy(&value); }
  Attributes(const Attributes&) = delete;
  Attributes& operator=(const Attributes&) = delete;
};

enum class Group : short { of_caller = 0, own = POSIX_SPAWN_SETPGROUP };

Result<ChildGuard> spawn_in(Group group, const SpawnOptions& options) {
  if (options.argv.empty()) return fail(Code::internal, "start program", "without a name");
  FileActions actions;
  if (options.in >= 0)
    ::posix_spawn_file_actions_adddup2(&actions.value, options.in, 0);
  else
    ::posix_spawn_file_actions_addopen(&actions.value, 0, "/dev/null", O_RDONLY, 0);
  if (options.out >= 0) ::posix_spawn_file_actions_adddup2(&actions.value, options.out, 1);
  if (options.err >= 0) ::posix_spawn_file_actions_adddup2(&actions.value, options.err, 2);
  // Also closes what our own caller left open without CLOEXEC: a supervisor must not keep a shell's pipe or lock open.
  ::posix_spawn_file_actions_addclosefrom_np(&actions.value, 3);
  if (!options.directory.empty()) ::posix_spawn_file_actions_addchdir_np(&actions.value, options.directory.c_str());

  // The child must not inherit the signals that we block or ignore (SIGPIPE).
  Attributes attributes;
  sigset_t none, all;
  sigemptyset(&none);
  sigfillset(&all);
  ::posix_spawnattr_setsigmask(&attributes.value, &none);
  ::posix_spawnattr_setsigdefault(&attributes.value, &all);
  ::posix_spawnattr_setpgroup(&attributes.value, 0);  // 0: a process group of its own
  constexpr int always = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF;
  ::posix_spawnattr_setflags(&attributes.value, static_cast<short>(always | static_cast<int>(group)));

  const std::vector<char*> argv = pointers(options.argv);
  const std::vector<char*> environment = pointers(options.environment);
  pid_t pid = 0;
  const int error = ::posix_spawnp(&pid, argv[0], &actions.value, &attributes.value, argv.data(),
                                   options.environment.empty() ? environ : environment.data());
  if (error) return fail_errno(error, "start program", options.argv[0]);
  return ChildGuard(pid);
}

}  // namespace

Result<ChildGuard> spawn(const SpawnOptions& options) {
  return spawn_in(Group::of_caller, options);
}

Result<ChildGuard> spawn_group(const SpawnOptions& options) {
  return spawn_in(Group::own, options);
}

namespace {

// Reads what is available now, and closes the pipe at its end. Much::all: reads until nothing is left.
enum class Much : bool { some, all };
Result<> drain(Fd& from, std::string& into, std::size_t limit, Much much) {
  std::array<char, 65536> buffer;
  do {
    const ssize_t got = ::read(from.get(), buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR) continue;
    if (got < 0 && errno == EAGAIN) return {};
    if (got < 0) return fail_errno("read what a program says");
    if (got == 0) from.reset();
    into.append(buffer.data(), std::min(static_cast<std::size_t>(got), limit - into.size()));
  } while (from && much == Much::all && into.size() < limit);
  return {};
}

}  // namespace

Result<Captured> run_and_capture(SpawnOptions options, std::string_view input, std::size_t limit, int cancel) {
  Pipe in = TRY(make_pipe());
  Pipe out = TRY(make_pipe());
  Pipe err = TRY(make_pipe());
  options.in = in.read.get();
  options.out = out.write.get();
  options.err = err.write.get();
  ChildGuard child = TRY(spawn(options));
  const Fd ended = TRY(open_pidfd(child.pid()));
  in.read.reset();
  out.write.reset();
  err.write.reset();
  for (const Fd* ours : {&in.write, &out.read, &err.read}) TRY(set_nonblocking(ours->get()));
  if (input.empty()) in.write.reset();

  Captured captured;
  bool over = false;
  while (!over) {
    std::array<pollfd, 5> waits{pollfd{out.read.get(), POLLIN, 0}, pollfd{err.read.get(), POLLIN, 0},
                                pollfd{in.write.get(), POLLOUT, 0}, pollfd{cancel, POLLIN, 0},
                                pollfd{ended.get(), POLLIN, 0}};
    if (::poll(waits.data(), waits.size(), -1) < 0) {
      if (errno == EINTR) continue;
      return fail_errno("wait for program", options.argv[0]);
    }
    if (waits[3].revents) return fail(Code::interrupted, "run", options.argv[0]);
    // The process has exited, but its pipes may still be open: a process that it left running (a shared ssh) may hold
    // them.
    over = waits[4].revents != 0;
    const Much much = over ? Much::all : Much::some;
    if (waits[0].revents || (over && out.read)) TRY(drain(out.read, captured.out, limit, much));
    if (waits[1].revents || (over && err.read)) TRY(drain(err.read, captured.err, limit, much));
    if (!waits[2].revents) continue;
    // MSG_NOSIGNAL works only for sockets; our programs ignore SIGPIPE instead.
    const ssize_t put = ::write(in.write.get(), input.data(), input.size());
    if (put >= 0) input.remove_prefix(static_cast<std::size_t>(put));
    if (input.empty() || (put < 0 && errno != EINTR && errno != EAGAIN)) in.write.reset();
  }
  captured.status = TRY(child.wait());
  return captured;
}

Result<Fd> open_pidfd(pid_t pid) {
  // glibc 2.36 declares pidfd_open without extern "C". The descriptor is CLOEXEC by definition.
  const long fd = ::syscall(SYS_pidfd_open, pid, 0);
  if (fd < 0) return fail_errno("open process", std::to_string(pid));
  return Fd(static_cast<int>(fd));
}

Result<> send_signal(int pidfd, int signal) {
  if (::syscall(SYS_pidfd_send_signal, pidfd, signal, nullptr, 0) != 0)
    return fail_errno("send signal " + std::to_string(signal));
  return {};
}

Result<std::uint64_t> process_start_time(pid_t pid) {
  return TRY(stat_fields_of(pid)).started();
}

}  // namespace consort

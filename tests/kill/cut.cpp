// Runs one of Consort's programs, and kills it just before the N-th system call that changes a file system. Counts the
// calls of the command, of its threads, and of each keeper, supervisor or set-up child that it starts. Programs in
// containers are not traced.
//
//   cut --count -- COMMAND...       prints the number of such calls; exits with the command's status
//   cut --at N [--all] -- COMMAND...
//                                   kills the process that makes the N-th call (with --all, every traced process, as a
//                                   power failure would); prints which call it was. Exits with 137 if the command was
//                                   killed, otherwise with the command's status
//
// The calls of all threads are counted together, so N may be another call in another run if threads race. That is why
// the call is printed.
#include <fcntl.h>
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/openat2.h>

#include <cerrno>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <optional>
#include <set>
#include <sstream>
#include <string>

namespace {

constexpr int signalled_status = 128;

std::string proc_text(pid_t tid, const char* file) {
  std::ifstream in("/proc/" + std::to_string(tid) + "/" + file);
  std::stringstream text;
  text << in.rdbuf();
  std::string result = text.str();
  while (!result.empty() && result.back() == '\n') result.pop_back();
  return result;
}

std::string proc_link(pid_t tid, const std::string& file) {
  char target[4096];
  const ssize_t size = ::readlink(("/proc/" + std::to_string(tid) + "/" + file).c_str(), target, sizeof target);
  return size < 0 ? "" : std::string(target, static_cast<std::size_t>(size));
}

bool is_ours(pid_t tid) {
  return proc_link(tid, "exe").find("consort") != std::string::npos || proc_text(tid, "comm").starts_with("consort");
}

pid_t process_of(pid_t tid) {
  std::istringstream status(proc_text(tid, "status"));
  for (std::string line; std::getline(status, line);)
    if (line.starts_with("Tgid:")) return static_cast<pid_t>(std::strtol(line.c_str() + 5, nullptr, 10));
  return tid;
}

bool is_regular_file(pid_t tid, std::uint64_t fd) {
  struct stat status = {};
  const std::string path = "/proc/" + std::to_string(tid) + "/fd/" + std::to_string(static_cast<int>(fd));
  return ::stat(path.c_str(), &status) == 0 && S_ISREG(status.st_mode) &&
         proc_link(tid, "fd/" + std::to_string(static_cast<int>(fd)))[0] == '/';
}

std::uint64_t openat2_flags(pid_t tid, std::uint64_t address) {
  open_how how = {};
  iovec local = {&how, sizeof how};
  iovec remote = {reinterpret_cast<void*>(address), sizeof how};  // NOLINT(performance-no-int-to-ptr)
  return ::process_vm_readv(tid, &local, 1, &remote, 1, 0) < 0 ? 0 : how.flags;
}

constexpr bool makes_files(std::uint64_t flags) {
  return (flags & O_CREAT) != 0 || (flags & O_TRUNC) != 0 || (flags & O_TMPFILE) == O_TMPFILE;
}

// The name of a call that changes a file system; nullopt for all others.
std::optional<std::string> changing_call(pid_t tid, std::uint64_t number, const std::uint64_t* args) {
  switch (number) {
#define CALL(name) \
  case SYS_##name: \
    return #name
    CALL(creat);
    CALL(rename);
    CALL(renameat);
    CALL(renameat2);
    CALL(unlink);
    CALL(unlinkat);
    CALL(mkdir);
    CALL(mkdirat);
    CALL(rmdir);
    CALL(link);
    CALL(linkat);
    CALL(symlink);
    CALL(symlinkat);
    CALL(mknod);
    CALL(mknodat);
    CALL(truncate);
    CALL(chmod);
    CALL(fchmod);
    CALL(fchmodat);
    CALL(chown);
    CALL(fchown);
    CALL(lchown);
    CALL(fchownat);
    CALL(setxattr);
    CALL(lsetxattr);
    CALL(fsetxattr);
    CALL(removexattr);
    CALL(utimensat);
    CALL(fsync);
    CALL(fdatasync);
    CALL(syncfs);
    CALL(mount);
    CALL(umount2);
    CALL(move_mount);
    CALL(pivot_root);
    CALL(copy_file_range);
#undef CALL
    case SYS_ftruncate:
    case SYS_fallocate:
    case SYS_write:
    case SYS_writev:
    case SYS_pwrite64:
    case SYS_pwritev:
    case SYS_sendfile:
      if (!is_regular_file(tid, args[0])) return std::nullopt;
      return number == SYS_ftruncate ? "ftruncate" : number == SYS_fallocate ? "fallocate" : "write";
#ifdef SYS_open  // only on older architectures
    case SYS_open:
      return makes_files(args[1]) ? std::optional<std::string>("open") : std::nullopt;
#endif
    case SYS_openat:
      return makes_files(args[2]) ? std::optional<std::string>("openat") : std::nullopt;
    case SYS_openat2:
      return makes_files(openat2_flags(tid, args[2])) ? std::optional<std::string>("openat2") : std::nullopt;
    default:
      return std::nullopt;
  }
}

class Cutter {
 public:
  Cutter(unsigned long at, bool all) : at_(at), all_(all) {}

  // Returns the wait status of the command.
  int run(char** command) {
    command_ = ::fork();
    if (command_ == 0) {
      ::raise(SIGSTOP);
      ::execvp(command[0], command);
      std::perror(command[0]);
      ::_exit(127);
    }
    // Seized, not attached: then new processes start with a stop of ours instead of a signal, and processes that are
    // still traced when we end are resumed instead of staying stopped.
    int status = 0;
    constexpr long options =
        PTRACE_O_TRACESYSGOOD | PTRACE_O_TRACECLONE | PTRACE_O_TRACEFORK | PTRACE_O_TRACEVFORK | PTRACE_O_TRACEEXEC;
    if (::waitpid(command_, &status, WUNTRACED) != command_ || !WIFSTOPPED(status) ||
        ::ptrace(PTRACE_SEIZE, command_, nullptr, options) != 0) {
      std::perror("cut: trace");
      ::kill(command_, SIGKILL);
      return 1 << 8;
    }
    ::kill(command_, SIGCONT);
    traced_.insert(command_);
    return follow();
  }

  unsigned long count() const { return count_; }

 private:
  int follow() {
    int ended = 0;
    for (;;) {
      int status = 0;
      const pid_t tid = ::waitpid(-1, &status, __WALL);
      if (tid < 0) return ended;  // no process is left
      if (WIFEXITED(status) || WIFSIGNALED(status)) {
        traced_.erase(tid);
        if (tid != command_) continue;
        ended = status;
        if (!power_is_off_) return ended;  // otherwise, processes that were just being created end too
      } else if (WIFSTOPPED(status)) {
        stopped(tid, status);
      }
    }
  }

  void stopped(pid_t tid, int status) {
    traced_.insert(tid);
    if (power_is_off_) ::kill(process_of(tid), SIGKILL);
    const int signal = WSTOPSIG(status);
    const int event = status >> 16;
    if (signal == (SIGTRAP | 0x80)) {
      system_call(tid);
    } else if (event == PTRACE_EVENT_EXEC && !is_ours(tid)) {
      traced_.erase(tid);
      ::ptrace(PTRACE_DETACH, tid, nullptr, nullptr);
      return;
    } else if (event == PTRACE_EVENT_STOP && signal != SIGTRAP) {
      ::ptrace(PTRACE_LISTEN, tid, nullptr, nullptr);  // it was really stopped, by another process
      return;
    }
    const bool own = event != 0 || signal == (SIGTRAP | 0x80);
    ::ptrace(PTRACE_SYSCALL, tid, nullptr, own ? 0L : static_cast<long>(signal));
  }

  void system_call(pid_t tid) {
    struct __ptrace_syscall_info info = {};
    if (::ptrace(PTRACE_GET_SYSCALL_INFO, tid, sizeof info, &info) <= 0 || info.op != PTRACE_SYSCALL_INFO_ENTRY) return;
    const auto name = changing_call(tid, info.entry.nr, info.entry.args);
    if (!name || ++count_ != at_) return;
    std::fprintf(stderr, "cut: %s (%d) at call %lu, %s\n", proc_text(tid, "comm").c_str(), tid, count_, name->c_str());
    power_is_off_ = all_;
    const std::set<pid_t> victims = all_ ? traced_ : std::set<pid_t>{tid};
    for (const pid_t victim : victims) ::kill(process_of(victim), SIGKILL);
  }

  unsigned long at_;
  bool all_;
  bool power_is_off_ = false;
  unsigned long count_ = 0;
  pid_t command_ = 0;
  std::set<pid_t> traced_;
};

}  // namespace

int main(int argc, char** argv) {
  unsigned long at = 0;
  bool all = false, count = false;
  int index = 1;
  for (; index < argc && std::strcmp(argv[index], "--") != 0; ++index) {
    const std::string word = argv[index];
    if (word == "--count")
      count = true;
    else if (word == "--all")
      all = true;
    else if (word == "--at" && index + 1 < argc)
      at = std::strtoul(argv[++index], nullptr, 10);
    else
      index = argc;
  }
  if (index + 1 >= argc || count == (at != 0)) {
    std::fputs("usage: cut --count -- COMMAND... | cut --at N [--all] -- COMMAND...\n", stderr);
    return 2;
  }
  Cutter cutter(at, all);
  const int status = cutter.run(argv + index + 1);
  if (count) std::fprintf(stderr, "cut: %lu calls\n", cutter.count());
  return WIFEXITED(status) ? WEXITSTATUS(status) : signalled_status + WTERMSIG(status);
}

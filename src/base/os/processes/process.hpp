// Other programs: started, fed, listened to, and never left behind.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/os/fd.hpp"

namespace consort {

// How a process ended, as a shell counts: 0-255, or 128 + signal.
struct ExitStatus {
  int code = 0;
  int signal = 0;  // 0 if it exited by itself
  bool success() const { return code == 0 && signal == 0; }
};
ExitStatus exit_status_of(int wait_status);

// A child that we must not lose: killed and reaped by the destructor unless wait() or release() came first.
class ChildGuard {
 public:
  ChildGuard() = default;
  explicit ChildGuard(pid_t pid) : pid_(pid) {}
  ChildGuard(ChildGuard&& other) noexcept : pid_(std::exchange(other.pid_, 0)) {}
  ChildGuard& operator=(ChildGuard&& other) noexcept;
  ChildGuard(const ChildGuard&) = delete;
  ChildGuard& operator=(const ChildGuard&) = delete;
  ~ChildGuard();
  pid_t pid() const { return pid_; }
  Result<ExitStatus> wait();
  pid_t release() { return std::exchange(pid_, 0); }

 private:
  pid_t pid_ = 0;
};

struct SpawnOptions {
  std::vector<std::string> argv;         // argv[0] is looked up in PATH
  std::vector<std::string> environment;  // "K=V"; empty: inherited
  std::string directory;                 // empty: inherited
  int in = -1, out = -1, err = -1;       // -1: /dev/null for in, inherited for out and err
};
// posix_spawn: safe in a program with threads. All other descriptors are closed in the child.
Result<ChildGuard> spawn(const SpawnOptions& options);

struct Captured {
  ExitStatus status;
  std::string out;
  std::string err;
};
// Runs to the end; output beyond limit is dropped. input is written to its standard input. Once cancel (-1: never) can
// be read, the program is killed: Code::interrupted.
Result<Captured> run_and_capture(SpawnOptions options, std::string_view input = {}, std::size_t limit = 16 << 20,
                                 int cancel = -1);

Result<Fd> open_pidfd(pid_t pid);
Result<> send_signal(int pidfd, int signal);  // a process that has ended: ESRCH, Code::not_found
// Field 22 of /proc/PID/stat: with the pid it names a process for as long as the machine runs. Code::not_found if gone.
Result<std::uint64_t> process_start_time(pid_t pid);

}  // namespace consort

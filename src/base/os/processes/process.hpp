// Runs other programs: starts them, writes their input, reads their output, and never leaves them behind.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>
#include <vector>

#include "base/os/fd.hpp"

namespace consort {

// How a process ended. `code` follows the shell's convention: 0-255, or 128 + signal.
struct ExitStatus {
  int code = 0;
  int signal = 0;  // 0 if it exited by itself
  bool success() const { return code == 0 && signal == 0; }
};
ExitStatus exit_status_of(int wait_status);

// Owns a child process: the destructor kills and reaps it unless wait() or release() was called.
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
// Uses posix_spawn: safe in a program with threads. All other descriptors are closed in the child.
Result<ChildGuard> spawn(const SpawnOptions& options);

struct Captured {
  ExitStatus status;
  std::string out;
  std::string err;
};
// Runs the program to its end; output beyond `limit` bytes is dropped. `input` is written to its standard input. When
// cancel (borrowed; -1: never) becomes readable, the program is killed: Code::interrupted.
Result<Captured> run_and_capture(SpawnOptions options, std::string_view input = {}, std::size_t limit = 16 << 20,
                                 int cancel = -1);

Result<Fd> open_pidfd(pid_t pid);
Result<> send_signal(int pidfd, int signal);  // a process that has ended: ESRCH, Code::not_found
// Field 22 of /proc/PID/stat: together with the pid it identifies a process until reboot. Code::not_found if it is
// gone.
Result<std::uint64_t> process_start_time(pid_t pid);

}  // namespace consort

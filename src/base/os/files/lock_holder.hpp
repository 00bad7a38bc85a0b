// Who has a file locked, so that nobody waits without an end for a process that somebody has suspended (Ctrl-Z).
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "base/error.hpp"

namespace consort {

enum class LockKind : std::uint8_t {
  flock,   // flock(2)
  record,  // fcntl(2), as SQLite takes them: only who holds one for writing
};

// As /proc/locks tells it, which hides the processes of other pid namespaces. Empty: nobody whom this process can see.
std::vector<pid_t> lock_holders(const std::string& path, LockKind kind = LockKind::flock);

// Somebody has stopped it (SIGSTOP, Ctrl-Z, a debugger).
bool is_suspended(pid_t pid);
// "process 4711 (consort up -d)"
std::string name_process(pid_t pid);
// Code::busy: names the process, which is stopped, and what to type. `path` is what it has locked.
Error suspended_holder(pid_t pid, const std::string& path);

// For whoever tries again and again to take a lock.
class HolderWatch {
 public:
  // The file is found by the descriptor if there is one: what is locked may lose its name. The path is for the error.
  explicit HolderWatch(std::string path, int fd = -1, std::chrono::milliseconds between_looks = std::chrono::seconds(1))
      : path_(std::move(path)), fd_(fd), between_looks_(between_looks) {}

  // To be called after each try that failed: looks once a second. Code::busy: a holder was stopped at three looks in a
  // row, or for a minute nobody was to be seen who could be waited for.
  Result<> look();

 private:
  std::string path_;
  int fd_;
  std::chrono::milliseconds between_looks_;
  std::chrono::steady_clock::time_point next_ = std::chrono::steady_clock::now() + between_looks_;
  pid_t suspended_ = 0;
  int looks_ = 0;   // at which that one was stopped
  int unseen_ = 0;  // looks at which nobody was there
};

}  // namespace consort

// Detects the end of a process whose keeper was killed, so that its exit status goes to another process. The pidfd
// shows at least that it ended; its state in /proc shows how, until it is reaped, and newer kernels show it even later.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>

#include "base/os/loop/event_loop.hpp"

namespace consort::supervisor {

class ForeignEnd {
 public:
  struct Process {
    pid_t pid = 0;
    std::uint64_t started = 0;  // process_start_time()
    int pidfd = -1;             // borrowed; -1: it could not be opened any more
  };
  // nullopt: the exit status is unknown. Called from the loop, once; may destroy this object.
  using Told = std::move_only_function<void(std::optional<int> wait_status)>;

  ForeignEnd(EventLoop& loop, Process process, Told told);
  ~ForeignEnd();
  ForeignEnd(const ForeignEnd&) = delete;
  ForeignEnd& operator=(const ForeignEnd&) = delete;

 private:
  void await_status(std::chrono::steady_clock::time_point deadline);
  void await_unwatched();

  EventLoop& loop_;
  Process process_;
  Told told_;
  EventLoop::Token watch_ = 0;
  EventLoop::Token timer_ = 0;
};

}  // namespace consort::supervisor

// The end of a process that a keeper had started which was killed since, so that its exit goes to somebody else. Its
// pidfd at least tells that it ended, its state in /proc how until somebody reaps it, and newer kernels even later.
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
  // nullopt: nobody knows how it ended. From the loop, once; it may destroy this object.
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

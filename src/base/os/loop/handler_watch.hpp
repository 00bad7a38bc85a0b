// Finds event loop handlers that take too long, in debug builds on request: see event_loop.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "base/os/fd.hpp"

namespace consort {

class HandlerWatch {
 public:
  using Clock = std::chrono::steady_clock;
  // For the calling thread, which must be the one that runs the loop. Null if not requested or not a debug build.
  static std::unique_ptr<HandlerWatch> from_environment();
  HandlerWatch(std::chrono::milliseconds limit, Fd schedule) : limit_(limit), schedule_(std::move(schedule)) {}

  void begin();
  // Time since begin(), minus the time this thread was runnable but waiting for a CPU.
  std::chrono::nanoseconds taken() const;
  void end() const;  // aborts the program with a message on standard error if the handler took too long

 private:
  std::chrono::nanoseconds waited_for_processor() const;

  std::chrono::milliseconds limit_;
  Fd schedule_;  // /proc/thread-self/schedstat
  Clock::time_point begun_{};
  std::chrono::nanoseconds waited_{0};
};

}  // namespace consort

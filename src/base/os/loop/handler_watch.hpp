// Finds handlers of an event loop that take too long, in debug builds that are asked to: see event_loop.hpp.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>

#include "base/os/fd.hpp"

namespace consort {

class HandlerWatch {
 public:
  using Clock = std::chrono::steady_clock;
  // For the calling thread, which is to run the loop. Empty: nobody asks for it, or this is no debug build.
  static std::unique_ptr<HandlerWatch> from_environment();
  HandlerWatch(std::chrono::milliseconds limit, Fd schedule) : limit_(limit), schedule_(std::move(schedule)) {}

  void begin();
  // Since begin(), without the time in which this thread wanted to run and others had the processor.
  std::chrono::nanoseconds taken() const;
  void end() const;  // aborts the program, with a word on standard error, if it took too long

 private:
  std::chrono::nanoseconds waited_for_processor() const;

  std::chrono::milliseconds limit_;
  Fd schedule_;  // /proc/thread-self/schedstat
  Clock::time_point begun_{};
  std::chrono::nanoseconds waited_{0};
};

}  // namespace consort

// Between somebody who wants an end and a reader that takes nothing any more (a pager, a program that is stopped): what
// waits for that reader is not worth a second signal.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>

#include "cli/interrupted.hpp"

namespace consort::cli {

class Patience {
 public:
  using Clock = std::chrono::steady_clock;

  void moved(Clock::time_point now = Clock::now()) { moved_at_ = now; }  // the reader has taken something
  void asked(int signal, Clock::time_point now = Clock::now()) {
    signal_ = signal;
    asked_at_ = now;
  }
  // Of a process that has ended, when its output is held up: whether that looks like it would last,
  bool stands(Clock::time_point now = Clock::now()) const { return now - moved_at_ >= patience_after_interrupt; }
  // and the signal that it ended by, as far as one can know, if
  // nothing was taken for so long. Who reads on, after a signal that has not ended the process at once, gets the rest.
  std::optional<int> given_up(Clock::time_point now = Clock::now()) const {
    constexpr std::chrono::seconds ends_at_once{2};
    const bool meant = signal_ != 0 && moved_at_ <= asked_at_ + ends_at_once;
    return meant && stands(now) ? std::optional(signal_) : std::nullopt;
  }

 private:
  int signal_ = 0;
  Clock::time_point asked_at_, moved_at_;
};

}  // namespace consort::cli

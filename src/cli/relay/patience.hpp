// Between somebody who wants an end and a reader that takes nothing any more (a pager, a program that is stopped): what
// waits for that reader is not worth a second signal.
#pragma once

#include <signal.h>

#include <chrono>
#include <cstdint>
#include <optional>
#include <utility>

#include "cli/interrupted.hpp"

namespace consort::cli {

class Patience {
 public:
  using Clock = std::chrono::steady_clock;

  void moved(Clock::time_point now = Clock::now()) { moved_at_ = now; }  // the reader has taken something
  // How much it has before it, when we are held up: less than before means that it reads.
  void sees(std::uint64_t unread, Clock::time_point now = Clock::now()) {
    if (unread < std::exchange(unread_, unread)) moved(now);
  }
  void asked(int signal, Clock::time_point now = Clock::now()) { wants(signal, patience_after_interrupt, now); }
  // Ctrl-C at a raw terminal is meant for the program, which may end for another reason, and that terminal may be far
  // away: its last screen is waited for longer.
  void typed_interrupt(Clock::time_point now = Clock::now()) { wants(SIGINT, std::chrono::seconds(2), now); }
  // Whether the reader of a process that has ended takes nothing, as if that would last.
  bool stands(Clock::time_point now = Clock::now()) const { return now - moved_at_ >= patience_after_interrupt; }
  // The signal that the process ended by, as far as one can know, if nothing was taken for too long. Who reads on,
  // after a signal that has not ended the process at once, gets the rest.
  std::optional<int> given_up(Clock::time_point now = Clock::now()) const {
    constexpr std::chrono::seconds ends_at_once{2};
    const bool meant = signal_ != 0 && moved_at_ <= asked_at_ + ends_at_once;
    return meant && now - moved_at_ >= patience_ ? std::optional(signal_) : std::nullopt;
  }

 private:
  void wants(int signal, std::chrono::milliseconds patience, Clock::time_point now) {
    signal_ = signal;
    patience_ = patience;
    asked_at_ = now;
  }

  int signal_ = 0;
  std::chrono::milliseconds patience_{0};
  std::uint64_t unread_ = 0;
  Clock::time_point asked_at_, moved_at_;
};

}  // namespace consort::cli

// Decides how long to wait for a reader that has stopped reading (a pager, a stopped program) when the user wants the
// command to end, so that no second signal is needed.
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

  void moved(Clock::time_point now = Clock::now()) { moved_at_ = now; }  // the reader has read something
  // How many bytes the reader has yet to read, while we are waiting for it: a decrease means that it is reading.
  void sees(std::uint64_t unread, Clock::time_point now = Clock::now()) {
    if (unread < std::exchange(unread_, unread)) moved(now);
  }
  void asked(int signal, Clock::time_point now = Clock::now()) { wants(signal, patience_after_interrupt, now); }
  // Ctrl-C at a raw terminal is meant for the program, which may end for another reason, and the terminal may be
  // remote: allows more time for its last output.
  void typed_interrupt(Clock::time_point now = Clock::now()) { wants(SIGINT, std::chrono::seconds(2), now); }
  // Whether the reader has been idle long enough to assume that it has stopped, after the process has ended.
  bool stands(Clock::time_point now = Clock::now()) const { return now - moved_at_ >= patience_after_interrupt; }
  // The signal that presumably ended the process, if the reader has been idle for too long. A reader that keeps
  // reading, after a signal that did not end the process immediately, gets the rest of the output.
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

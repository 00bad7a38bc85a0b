// Delivers SIGINT, SIGTERM, SIGHUP and SIGWINCH as bytes in pipes. Uses handlers instead of a blocked mask and a
// signalfd because every program we start, including containers, would inherit the mask.
#pragma once

#include <chrono>

#include "base/error.hpp"

namespace consort::cli {

// Of a command that the user has interrupted.
inline constexpr int interrupted_status = 130;

// Each installs its handlers once per process. The descriptors are valid until the program ends and non-blocking; each
// signal is one byte, its number.
Result<int> interrupt_descriptor();  // SIGINT, SIGTERM, while something listens (project/exec/listening.hpp)
Result<> catch_hangup();             // from now on also SIGHUP, unless it is ignored (nohup)
Result<int> window_descriptor();     // SIGWINCH

// Counts consecutive presses of Ctrl-C: programs that handle it may get it many times in an hour.
class Insistence {
 public:
  int count();  // counts one more; returns 1 after a pause

 private:
  std::chrono::steady_clock::time_point last_{};
  int count_ = 0;
};

}  // namespace consort::cli

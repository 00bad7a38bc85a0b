// SIGINT, SIGTERM, SIGHUP and SIGWINCH as bytes in pipes. Handlers rather than a blocked mask and a signalfd: a mask is
// inherited by every program we start, containers included.
#pragma once

#include <chrono>

#include "base/error.hpp"

namespace consort::cli {

// Of a command that the user has broken off.
inline constexpr int interrupted_status = 130;

// Each installs its handlers once per process. The descriptors live as long as the program and do not block; one byte a
// signal, its number.
Result<int> interrupt_descriptor();  // SIGINT, SIGTERM, while somebody listens (project/exec/listening.hpp)
Result<> catch_hangup();             // SIGHUP as well, from now on, unless it is ignored (nohup)
Result<int> window_descriptor();     // SIGWINCH

// How often somebody has pressed Ctrl-C in a row: programs that handle it get it many times in an hour.
class Insistence {
 public:
  int count();  // one more; 1 after a pause

 private:
  std::chrono::steady_clock::time_point last_{};
  int count_ = 0;
};

}  // namespace consort::cli

// How long a command waits for supervisors that somebody has stopped (SIGSTOP): it asks many times, and waits once.
#pragma once

#include <atomic>
#include <chrono>

namespace consort::supervisor {

// Of one command; several threads may share it.
class Patience {
 public:
  // Between two looks at a supervisor that does not answer, and after how many in a row it counts as stopped.
  std::chrono::milliseconds between_looks() const { return std::chrono::milliseconds(spent_ ? 100 : 1000); }
  int most_looks() const { return spent_ ? 1 : 3; }
  void spend() { spent_ = true; }
  void renew() { spent_ = false; }  // the one that was stopped goes on

 private:
  std::atomic<bool> spent_ = false;
};

}  // namespace consort::supervisor

// Ends a container (decision 9): its first process gets the stop signal and, if it can hear it, the whole grace period.
// If the kernel discards the signal for it, the container's other processes get it instead, and the first process is
// ended when none of them is left that could react.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>

#include "base/os/event_loop.hpp"
#include "base/os/fd.hpp"

namespace consort::supervisor {

class Stopper {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Target {
    pid_t pid = 0;
    int pidfd = -1;  // borrowed
    std::string cgroup;
    int signal = 15;
    std::optional<Time> deadline;  // none: wait for ever
  };
  using OnSignal = std::function<void(int signal)>;  // told of what the first process is sent

  Stopper(EventLoop& loop, Target target, OnSignal on_signal);
  ~Stopper();
  Stopper(const Stopper&) = delete;
  Stopper& operator=(const Stopper&) = delete;

  void begin();
  // A second, more impatient stop.
  void hurry(std::optional<Time> deadline);

 private:
  void arm();
  void kill_now();
  void round();
  void on_gone(pid_t pid);
  void again_after(std::chrono::milliseconds delay);
  bool anyone_hears() const;
  void forget_others();

  struct Other {
    Fd pidfd;
    EventLoop::Token watch = 0;
  };
  EventLoop& loop_;
  Target target_;
  OnSignal on_signal_;
  std::map<pid_t, Other> others_;
  std::set<pid_t> signalled_;
  EventLoop::Token deadline_timer_ = 0;
  EventLoop::Token round_timer_ = 0;
  bool killed_ = false;
};

}  // namespace consort::supervisor

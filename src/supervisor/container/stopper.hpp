// Ends a container (stop signals: docs/differences.md): its first process gets the stop signal and, if it handles or
// deliberately ignores that signal, the whole grace period.
//
// If the signal has no effect on it, its descendants get it instead: the nearest ones that react to the signal, once
// each (a server's master, not its workers, which the master ends). When they have ended, the processes they left
// behind are next; then a first process for which the kernel discards the signal gets as much time as it visibly uses
// (a shell that cleans up), and is killed. Processes that it starts meanwhile aren't waited for, nor are those of an
// exec.
//
// There may be thousands of processes: they are examined in steps, between which the loop does other things.
#pragma once

#include <sys/types.h>

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "base/os/loop/event_loop.hpp"
#include "base/os/loop/stepped_work.hpp"
#include "runtime/inspect.hpp"

namespace consort::supervisor {

class Stopper {
 public:
  using Time = std::chrono::steady_clock::time_point;
  struct Target {
    pid_t pid = 0;
    int pidfd = -1;  // borrowed
    std::string cgroup;
    int signal = 15;
    std::optional<Time> deadline;  // none: wait without limit
  };
  using OnSignal = std::function<void(int signal)>;  // called with each signal sent to the first process

  Stopper(EventLoop& loop, Target target, OnSignal on_signal);
  ~Stopper();
  Stopper(const Stopper&) = delete;
  Stopper& operator=(const Stopper&) = delete;

  void begin();
  // Applies a second stop with an earlier deadline.
  void hurry(std::optional<Time> deadline);

 private:
  void arm();
  void kill_now();
  void go_on();
  SteppedWork::Next signal_next();
  void on_signalled();
  void look_below(pid_t parent);
  bool is_below_the_first(pid_t pid) const;
  bool signal_one(pid_t pid);
  void on_gone(pid_t pid);
  void give_up_the_deaf();
  SteppedWork::Next give_up_next();
  void on_given_up();
  void work_through(std::vector<pid_t> pids, SteppedWork::Next (Stopper::*step)(), void (Stopper::*then)());
  void watch_the_first();
  void after(std::chrono::milliseconds delay, void (Stopper::*next)());
  bool first_hears() const;
  bool first_refuses() const;
  void forget_others();

  struct Other {
    Fd pidfd;
    EventLoop::Token watch = 0;
    std::optional<runtime::Activity> seen;  // when it was signalled or last checked
  };
  // The round in progress: processes still to be checked, and those whose turn it is, from the top downwards.
  struct Round {
    std::vector<pid_t> unseen;
    std::multimap<pid_t, pid_t> children;  // current children of processes that existed when the stop began
    std::vector<pid_t> turn;
    bool waits = false;  // for a process to end
  };
  EventLoop& loop_;
  Target target_;
  OnSignal on_signal_;
  std::set<pid_t> known_;                       // existed when the stop began
  std::set<pid_t> signalled_;                   // subset of known_
  std::map<pid_t, Other> others_;               // being waited for
  std::optional<runtime::Activity> last_seen_;  // of the first process, once it is alone
  std::optional<Time> alone_since_;
  EventLoop::Token deadline_timer_ = 0;
  EventLoop::Token next_timer_ = 0;
  bool killed_ = false;
  Round round_;
  std::unique_ptr<SteppedWork> work_;
};

}  // namespace consort::supervisor

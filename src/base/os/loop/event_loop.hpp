// One thread, one level-triggered epoll loop. Handlers never block; they may add and remove registrations, including
// their own. A registration is identified by a token that is never reused, because descriptor numbers are reused within
// one batch of events.
//
// A handler may take at most 50 ms; longer work is split into steps (stepped_work.hpp) or done by a child process. With
// CONSORT_LOOP_LIMIT_MS in the environment, a debug build aborts if a handler takes longer than that: time on the CPU
// and time asleep count, time spent waiting for a CPU does not.
#pragma once

#include <sys/epoll.h>

#include <chrono>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <unordered_map>

#include "base/deadline.hpp"
#include "base/os/fd.hpp"
#include "base/os/loop/handler_watch.hpp"

namespace consort {

class EventLoop {
 public:
  using Clock = std::chrono::steady_clock;
  using Token = std::uint64_t;  // never reused, 0 is "none"
  using Handler = std::move_only_function<void(std::uint32_t events)>;
  using TimerHandler = std::move_only_function<void()>;

  static Result<EventLoop> create();
  EventLoop(EventLoop&&) noexcept = default;

  // urgent: a client waits for the answer to a cheap question (a name lookup). Urgent descriptors are checked between
  // any two handlers, so the client waits for one handler and not for all that are ready.
  enum class Turn : std::uint8_t { ordinary, urgent };
  // fd is borrowed: remove() it before closing. Registering an fd a second time is an error (EEXIST).
  Result<Token> add(int fd, std::uint32_t events, Handler handler, Turn turn = Turn::ordinary);
  Result<> modify(Token token, std::uint32_t events);
  void remove(Token token);  // an unknown token is ignored

  Token at(Clock::time_point when, TimerHandler handler);
  template <typename Rep, typename Period>
  Token after(std::chrono::duration<Rep, Period> delay, TimerHandler handler) {
    return at(deadline_after(delay), std::move(handler));
  }
  void cancel(Token timer);  // a timer that has already fired is ignored

  // Waits once and runs the handlers; limit bounds the wait.
  Result<> run_once(Clock::duration limit = Clock::duration::max());
  Result<> run();  // until stop()
  void stop() { stopped_ = true; }

  // How often descriptors have woken the loop. An idle loop must not wake up.
  std::uint64_t wakeups() const { return wakeups_; }

 private:
  struct Watch {
    int fd;
    Turn turn;
    std::shared_ptr<Handler> handler;  // shared: stays alive while it runs, even if it removes its own registration
  };
  struct Timer {
    Token token;
    TimerHandler handler;
  };
  explicit EventLoop(Fd epoll) : epoll_(std::move(epoll)) {}
  int epoll_of(Turn turn) const { return turn == Turn::urgent ? urgent_.get() : epoll_.get(); }
  Result<> open_urgent();
  Result<int> dispatch(int epoll, int limit_ms);  // returns the number of events
  void after_handler();
  void fire_timers();
  int wait_milliseconds(Clock::duration limit) const;

  Fd epoll_;
  Fd urgent_;  // an epoll of its own, which epoll_ watches as token 0
  Clock::time_point urgent_seen_{};
  std::unique_ptr<HandlerWatch> watch_;
  Token next_ = 1;
  std::unordered_map<Token, Watch> watches_;
  std::multimap<Clock::time_point, Timer> timers_;
  bool stopped_ = false;
  std::uint64_t wakeups_ = 0;
};

}  // namespace consort

// One thread, one level-triggered epoll loop. Handlers never block; they may add and remove registrations, their own
// included. A registration is a token with a generation, because descriptor numbers are reused inside one batch.
//
// A handler may take 50 ms at most; what takes longer is cut into steps (stepped_work.hpp) or done by a child. A debug
// build whose environment has CONSORT_LOOP_LIMIT_MS aborts when one takes longer than that: processor time and time
// asleep count, time in which others had the processor does not.
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

  // urgent: somebody waits for the answer to a question that costs us nothing (a name). It is looked at between any two
  // handlers, so that it waits for one of them and not for all that are ready.
  enum class Turn : std::uint8_t { ordinary, urgent };
  // fd is borrowed: remove() before closing it. A second registration of one fd is an error (EEXIST).
  Result<Token> add(int fd, std::uint32_t events, Handler handler, Turn turn = Turn::ordinary);
  Result<> modify(Token token, std::uint32_t events);
  void remove(Token token);  // an unknown token is fine

  Token at(Clock::time_point when, TimerHandler handler);
  template <typename Rep, typename Period>
  Token after(std::chrono::duration<Rep, Period> delay, TimerHandler handler) {
    return at(deadline_after(delay), std::move(handler));
  }
  void cancel(Token timer);  // already fired is fine

  // One wait and its handlers; limit bounds the wait.
  Result<> run_once(Clock::duration limit = Clock::duration::max());
  Result<> run();  // until stop()
  void stop() { stopped_ = true; }

  // How often descriptors have woken the loop. A loop with nothing to do must not be woken.
  std::uint64_t wakeups() const { return wakeups_; }

 private:
  struct Watch {
    int fd;
    Turn turn;
    std::shared_ptr<Handler> handler;  // shared: stays alive while it runs, even if it removes itself
  };
  struct Timer {
    Token token;
    TimerHandler handler;
  };
  explicit EventLoop(Fd epoll) : epoll_(std::move(epoll)) {}
  int epoll_of(Turn turn) const { return turn == Turn::urgent ? urgent_.get() : epoll_.get(); }
  Result<> open_urgent();
  Result<int> dispatch(int epoll, int limit_ms);  // how many events there were
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

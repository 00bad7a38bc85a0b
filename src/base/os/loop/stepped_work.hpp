// Work that is too long for one turn of an event loop: it is cut into steps, and the loop's other descriptors and
// timers get their turn between them.
#pragma once

#include <functional>
#include <optional>

#include "base/os/loop/event_loop.hpp"

namespace consort {

class SteppedWork {
 public:
  enum class Next : std::uint8_t { step, finished };
  // A millisecond or two at most; several are done in one turn.
  using Step = std::move_only_function<Result<Next>()>;
  using Done = std::move_only_function<void(Result<>)>;

  // Begins in the loop's next turn. `done` is called once, from the loop, after the last step or the first that fails;
  // it may destroy this object.
  SteppedWork(EventLoop& loop, Step step, Done done);
  ~SteppedWork() { loop_.cancel(turn_); }  // unfinished: neither is called any more
  SteppedWork(const SteppedWork&) = delete;
  SteppedWork& operator=(const SteppedWork&) = delete;

 private:
  void take_turn();
  void wait_for_turn();

  EventLoop& loop_;
  Step step_;
  Done done_;
  EventLoop::Token turn_ = 0;
};

}  // namespace consort

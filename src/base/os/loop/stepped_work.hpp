// Work that is too long for one iteration of an event loop: it is split into steps, and the loop's other descriptors
// and timers are served between them.
#pragma once

#include <functional>
#include <optional>

#include "base/os/loop/event_loop.hpp"

namespace consort {

class SteppedWork {
 public:
  enum class Next : std::uint8_t { step, finished };
  // One or two milliseconds at most; several steps run in one iteration.
  using Step = std::move_only_function<Result<Next>()>;
  using Done = std::move_only_function<void(Result<>)>;

  // Starts in the loop's next iteration. `done` is called once, from the loop, after the last step or the first one
  // that fails; it may destroy this object. The loop is borrowed and must outlive this object.
  SteppedWork(EventLoop& loop, Step step, Done done);
  ~SteppedWork() { loop_.cancel(turn_); }  // if unfinished, neither function is called any more
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

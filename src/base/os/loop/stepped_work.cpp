#include "base/os/loop/stepped_work.hpp"

namespace consort {

namespace {

// A tenth of a handler's limit, because the last step may begin just before the turn is over.
constexpr std::chrono::milliseconds turn_length{5};

}  // namespace

SteppedWork::SteppedWork(EventLoop& loop, Step step, Done done)
    : loop_(loop), step_(std::move(step)), done_(std::move(done)) {
  wait_for_turn();
}

void SteppedWork::wait_for_turn() {
  turn_ = loop_.after(EventLoop::Clock::duration::zero(), [this] { take_turn(); });
}

void SteppedWork::take_turn() {
  turn_ = 0;
  const auto end = EventLoop::Clock::now() + turn_length;
  do {
    Result<Next> next = step_();
    if (next && *next == Next::step) continue;
    // The callback may destroy this object.
    Done done = std::move(done_);
    return done(next ? Result<>() : fail(std::move(next).error()));
  } while (EventLoop::Clock::now() < end);
  wait_for_turn();
}

}  // namespace consort

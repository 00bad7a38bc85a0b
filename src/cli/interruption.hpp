// The user's wish to stop, passed on to what works without looking at descriptors.
#pragma once

#include <memory>
#include <thread>

#include "project/exec/cancellation.hpp"

namespace consort::cli {

// While it lives, the first interrupt requests the cancellation, and the next one ends the program on the spot: what it
// leaves then is what a kill leaves, and the next command sweeps it.
class CancelOnInterrupt {
 public:
  // Both are borrowed. interrupt_fd: Session::interrupt_fd.
  static Result<CancelOnInterrupt> start(int interrupt_fd, const project::Cancellation& cancel);
  CancelOnInterrupt(CancelOnInterrupt&&) noexcept = default;
  CancelOnInterrupt& operator=(CancelOnInterrupt&&) = delete;

 private:
  explicit CancelOnInterrupt(std::jthread watcher) : watcher_(std::move(watcher)) {}
  std::jthread watcher_;
};

}  // namespace consort::cli

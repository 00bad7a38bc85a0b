// Exposes a stop_token as a descriptor, for code that waits in poll().
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <stop_token>

#include "base/os/fd.hpp"

namespace consort {

class StopEvent {
 public:
  // A token that cannot be stopped gives no descriptor (-1), which poll() ignores.
  static Result<StopEvent> of(const std::stop_token& token);
  StopEvent(StopEvent&&) noexcept = default;

  int fd() const { return fd_ ? fd_->get() : -1; }  // readable once a stop has been requested

 private:
  StopEvent() = default;
  std::unique_ptr<Fd> fd_;  // on the heap because its address must not change: the callback refers to it
  std::unique_ptr<std::stop_callback<std::function<void()>>> callback_;
};

}  // namespace consort

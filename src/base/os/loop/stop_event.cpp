#include "base/os/loop/stop_event.hpp"

#include <sys/eventfd.h>

#include <cstdint>

namespace consort {

Result<StopEvent> StopEvent::of(const std::stop_token& token) {
  StopEvent event;
  if (!token.stop_possible()) return event;
  event.fd_ = std::make_unique<Fd>(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!*event.fd_) return fail_errno("eventfd");
  event.callback_ = std::make_unique<std::stop_callback<std::function<void()>>>(token, [fd = event.fd_->get()] {
    const std::uint64_t one = 1;
    (void)write_full(fd, std::as_bytes(std::span(&one, 1)));
  });
  return event;
}

}  // namespace consort

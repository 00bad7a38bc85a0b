#include "project/exec/cancellation.hpp"

#include <sys/eventfd.h>

#include <array>
#include <cstdint>

namespace consort::project {

Result<Cancellation> Cancellation::create() {
  Fd event(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!event) return fail_errno("eventfd");
  return Cancellation(std::move(event));
}

void Cancellation::request() const {
  source_.request_stop();
  const std::uint64_t one = 1;
  // Cannot fail in a way that matters: a full counter is readable as well.
  (void)write_full(event_.get(), std::as_bytes(std::span(&one, 1)));
}

}  // namespace consort::project

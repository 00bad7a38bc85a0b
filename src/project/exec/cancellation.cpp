#include "project/exec/cancellation.hpp"

#include <sys/eventfd.h>

#include <array>
#include <cstdint>

namespace consort::project {

namespace {

void raise(const Fd& event) {
  const std::uint64_t one = 1;
  // A failure does not matter: if the counter is full, the descriptor is readable anyway.
  (void)write_full(event.get(), std::as_bytes(std::span(&one, 1)));
}

}  // namespace

Result<Cancellation> Cancellation::create() {
  Fd any(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  Fd by_user(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK));
  if (!any || !by_user) return fail_errno("eventfd");
  return Cancellation(std::move(any), std::move(by_user));
}

void Cancellation::request(By by) const {
  source_.request_stop();
  raise(any_);
  if (by == By::user) raise(by_user_);
}

}  // namespace consort::project

#include "base/os/timer.hpp"

#include <sys/timerfd.h>

#include <algorithm>

namespace consort {

Result<Fd> timer_of(std::chrono::milliseconds delay) {
  Fd timer(::timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC));
  if (!timer) return fail_errno("make a timer");
  const std::int64_t wait = std::max<std::int64_t>(delay.count(), 1);  // 0 would disarm the timer
  itimerspec when{};
  when.it_value.tv_sec = static_cast<time_t>(wait / 1000);
  when.it_value.tv_nsec = static_cast<long>(wait % 1000) * 1'000'000;
  if (::timerfd_settime(timer.get(), 0, &when, nullptr) != 0) return fail_errno("set a timer");
  return timer;
}

}  // namespace consort

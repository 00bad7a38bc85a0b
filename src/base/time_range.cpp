#include "base/time_range.hpp"

#include <algorithm>

namespace consort {

SystemTime time_of_epoch(std::int64_t seconds, Nanoseconds fraction) {
  constexpr auto first = std::chrono::floor<std::chrono::seconds>(earliest_time),
                 last = std::chrono::floor<std::chrono::seconds>(latest_time);
  return time_after(std::clamp(std::chrono::sys_seconds(std::chrono::seconds(seconds)), first, last), fraction);
}

SystemTime time_after(SystemTime time, Nanoseconds duration) {
  std::int64_t count = 0;
  if (__builtin_add_overflow(time.time_since_epoch().count(), duration.count(), &count))
    return duration < Nanoseconds(0) ? earliest_time : latest_time;
  return std::clamp(SystemTime(Nanoseconds(count)), earliest_time, latest_time);
}

Nanoseconds time_between(SystemTime from, SystemTime to) {
  std::int64_t count = 0;
  if (__builtin_sub_overflow(to.time_since_epoch().count(), from.time_since_epoch().count(), &count))
    return from < to ? Nanoseconds::max() : Nanoseconds::min();
  return Nanoseconds(count);
}

}  // namespace consort

// Time arithmetic that saturates. A SystemTime counts nanoseconds in 64 bits and so only covers 1677 to 2262. With
// plain arithmetic, times outside (milliseconds taken for seconds, the year 9999, Go's year 1) wrap to another century;
// these functions return the nearest representable time.
#pragma once

#include "base/time.hpp"

namespace consort {

// Whole days, so that every date and time of day in the range is representable.
inline constexpr SystemTime earliest_time = std::chrono::sys_days(std::chrono::year(1677) / 9 / 22);
inline constexpr SystemTime latest_time = std::chrono::sys_days(std::chrono::year(2262) / 4 / 11);

SystemTime time_of_epoch(std::int64_t seconds, Nanoseconds fraction = {});
SystemTime time_after(SystemTime time, Nanoseconds duration);  // negative: before
Nanoseconds time_between(SystemTime from, SystemTime to);

}  // namespace consort

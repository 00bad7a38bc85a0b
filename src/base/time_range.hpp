// A SystemTime counts nanoseconds in 64 bits, and so reaches no further than from 1677 to 2262. Plain arithmetic makes
// a time of another century of what is outside (seconds that are milliseconds, the year 9999, Go's year 1); these take
// the nearest that there is.
#pragma once

#include "base/time.hpp"

namespace consort {

// In whole days, so that all of date and clock can be told.
inline constexpr SystemTime earliest_time = std::chrono::sys_days(std::chrono::year(1677) / 9 / 22);
inline constexpr SystemTime latest_time = std::chrono::sys_days(std::chrono::year(2262) / 4 / 11);

SystemTime time_of_epoch(std::int64_t seconds, Nanoseconds fraction = {});
SystemTime time_after(SystemTime time, Nanoseconds duration);  // negative: before
Nanoseconds time_between(SystemTime from, SystemTime to);

}  // namespace consort

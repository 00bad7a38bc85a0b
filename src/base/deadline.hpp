// A moment of the monotonic clock that is so far off. The clock counts nanoseconds in 64 bits: 292 years from now would
// be in its past, and what is to happen then would happen at once.
#pragma once

#include <chrono>

namespace consort {

inline constexpr std::chrono::hours longest_delay{24 * 365 * 100};  // as good as never

template <typename Rep, typename Period>
std::chrono::steady_clock::time_point deadline_after(std::chrono::duration<Rep, Period> delay) {
  using Clock = std::chrono::steady_clock;
  if (delay >= longest_delay) return Clock::now() + longest_delay;
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(delay);
}

}  // namespace consort

// Computes a monotonic deadline for any delay without overflow. The clock counts nanoseconds in 64 bits, so a deadline
// 292 years from now would wrap into the past and expire at once.
#pragma once

#include <chrono>

namespace consort {

inline constexpr std::chrono::hours longest_delay{24 * 365 * 100};  // effectively never

template <typename Rep, typename Period>
std::chrono::steady_clock::time_point deadline_after(std::chrono::duration<Rep, Period> delay) {
  using Clock = std::chrono::steady_clock;
  if (delay >= longest_delay) return Clock::now() + longest_delay;
  return Clock::now() + std::chrono::duration_cast<Clock::duration>(delay);
}

}  // namespace consort

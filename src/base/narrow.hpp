// Conversions to a smaller type that say what becomes of a value that does not fit. A cast takes its last bits, so that
// 4294967297 seconds are one.
#pragma once

#include <concepts>
#include <limits>
#include <optional>
#include <utility>

namespace consort {

// Nothing if the value does not fit: where that is a mistake to be told.
template <std::integral To>
constexpr std::optional<To> fitting(std::integral auto value) {
  if (!std::in_range<To>(value)) return std::nullopt;
  return static_cast<To>(value);
}

// The nearest value that there is: for times, numbers of tries and the like, where the largest is as good as no limit.
template <std::integral To>
constexpr To saturated(std::integral auto value) {
  if (std::in_range<To>(value)) return static_cast<To>(value);
  return std::cmp_less(value, 0) ? std::numeric_limits<To>::min() : std::numeric_limits<To>::max();
}

// Without what is behind the point; what is no number is 0.
template <std::integral To>
constexpr To saturated(std::floating_point auto value) {
  using Limits = std::numeric_limits<To>;
  if (value != value) return 0;
  // The largest integer may have no floating point number of its own; the one after it is a power of two and has.
  if (value >= static_cast<decltype(value)>(Limits::max())) return Limits::max();
  if (value <= static_cast<decltype(value)>(Limits::min())) return Limits::min();
  return static_cast<To>(value);
}

}  // namespace consort

// Integer conversions that define the result for a value that does not fit. A plain cast keeps only the low bits, which
// turns 4294967297 seconds into one.
#pragma once

#include <concepts>
#include <limits>
#include <optional>
#include <utility>

namespace consort {

// nullopt if the value does not fit: for input where that is an error to report.
template <std::integral To>
constexpr std::optional<To> fitting(std::integral auto value) {
  if (!std::in_range<To>(value)) return std::nullopt;
  return static_cast<To>(value);
}

// The nearest representable value: for times, retry counts and the like, where the maximum is as good as no limit.
template <std::integral To>
constexpr To saturated(std::integral auto value) {
  if (std::in_range<To>(value)) return static_cast<To>(value);
  return std::cmp_less(value, 0) ? std::numeric_limits<To>::min() : std::numeric_limits<To>::max();
}

// Truncates toward zero; NaN becomes 0.
template <std::integral To>
constexpr To saturated(std::floating_point auto value) {
  using Limits = std::numeric_limits<To>;
  if (value != value) return 0;
  // The largest integer may not be representable as a floating-point number; the next one is a power of two and is.
  if (value >= static_cast<decltype(value)>(Limits::max())) return Limits::max();
  if (value <= static_cast<decltype(value)>(Limits::min())) return Limits::min();
  return static_cast<To>(value);
}

}  // namespace consort

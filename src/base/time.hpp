// Points in time and durations in the formats of Docker's tools.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace consort {

using Nanoseconds = std::chrono::nanoseconds;
using SystemTime = std::chrono::sys_time<Nanoseconds>;

SystemTime system_now();

// RFC 3339, UTC: "2026-11-22T16:56:41.081514164Z". Always nine fractional digits, so that lines stay aligned.
std::string format_rfc3339(SystemTime time);
// Seconds only: "2026-11-22T16:56:41Z".
std::string format_rfc3339_seconds(SystemTime time);
// RFC 3339 with or without fraction and zone ("2026-11-22", "2026-11-22T16:56", "...+02:00"; no zone means UTC).
std::optional<SystemTime> parse_rfc3339(std::string_view text);

// Go's notation: "1m0s", "1h30m0s", "500ms", "100µs", "0s".
std::string format_duration(Nanoseconds duration);
// Units ns us µs ms s m h d w, repeated; decimals and a sign are allowed; "0" is valid. nullopt for anything else.
std::optional<Nanoseconds> parse_duration(std::string_view text);

// Approximate durations as in `ps`: "Less than a second", "4 seconds", "About a minute", "3 hours", "2 weeks".
std::string human_duration(Nanoseconds duration);

// "12.3MB" with units of 1000, as `images` prints; "1.5KiB" with units of 1024, as `stats` does.
std::string human_bytes_decimal(std::uint64_t bytes);
std::string human_bytes_binary(std::uint64_t bytes);

}  // namespace consort

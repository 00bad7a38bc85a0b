#include "base/time.hpp"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>
#include <limits>
#include <span>
#include <utility>

#include "base/time_range.hpp"

namespace consort {

namespace chrono = std::chrono;

SystemTime system_now() {
  return chrono::time_point_cast<Nanoseconds>(chrono::system_clock::now());
}

static std::string format_with(SystemTime time, bool fraction) {
  const auto day = chrono::floor<chrono::days>(time);
  const chrono::year_month_day date(day);
  const chrono::hh_mm_ss clock(time - day);
  std::array<char, 64> text;
  int size = std::snprintf(text.data(), text.size(), "%04d-%02u-%02uT%02d:%02d:%02d", static_cast<int>(date.year()),
                           static_cast<unsigned>(date.month()), static_cast<unsigned>(date.day()),
                           static_cast<int>(clock.hours().count()), static_cast<int>(clock.minutes().count()),
                           static_cast<int>(clock.seconds().count()));
  std::string result(text.data(), static_cast<std::size_t>(size));
  if (fraction) {
    size = std::snprintf(text.data(), text.size(), ".%09lld", static_cast<long long>(clock.subseconds().count()));
    result.append(text.data(), static_cast<std::size_t>(size));
  }
  return result + "Z";
}

std::string format_rfc3339(SystemTime time) {
  return format_with(time, true);
}
std::string format_rfc3339_seconds(SystemTime time) {
  return format_with(time, false);
}

namespace {

// Takes exactly `digits` digits, or fails.
std::optional<int> take(std::string_view& text, std::size_t digits) {
  if (text.size() < digits) return std::nullopt;
  int value = 0;
  for (std::size_t i = 0; i < digits; ++i) {
    if (text[i] < '0' || text[i] > '9') return std::nullopt;
    value = value * 10 + (text[i] - '0');
  }
  text.remove_prefix(digits);
  return value;
}

bool skip(std::string_view& text, char c) {
  if (!text.starts_with(c)) return false;
  text.remove_prefix(1);
  return true;
}

std::optional<Nanoseconds> take_zone(std::string_view& text) {
  if (text.empty() || skip(text, 'Z')) return Nanoseconds(0);
  const int sign = text.starts_with('-') ? -1 : 1;
  if (!skip(text, '+') && !skip(text, '-')) return std::nullopt;
  const auto hours = take(text, 2);
  skip(text, ':');
  const auto minutes = take(text, 2);
  if (!hours || !minutes) return std::nullopt;
  return sign * (chrono::hours(*hours) + chrono::minutes(*minutes));
}

std::optional<Nanoseconds> take_clock(std::string_view& text) {
  const auto hours = take(text, 2);
  if (!hours || !skip(text, ':')) return std::nullopt;
  const auto minutes = take(text, 2);
  if (!minutes) return std::nullopt;
  Nanoseconds time = chrono::hours(*hours) + chrono::minutes(*minutes);
  if (!skip(text, ':')) return time;
  const auto seconds = take(text, 2);
  if (!seconds) return std::nullopt;
  time += chrono::seconds(*seconds);
  if (skip(text, '.')) {
    std::int64_t scale = 100'000'000;
    while (!text.empty() && text[0] >= '0' && text[0] <= '9') {
      time += Nanoseconds((text[0] - '0') * scale);
      scale /= 10;
      text.remove_prefix(1);
    }
  }
  return time;
}

}  // namespace

std::optional<SystemTime> parse_rfc3339(std::string_view text) {
  const auto year = take(text, 4);
  if (!year || !skip(text, '-')) return std::nullopt;
  const auto month = take(text, 2);
  if (!month || !skip(text, '-')) return std::nullopt;
  const auto day = take(text, 2);
  if (!day) return std::nullopt;
  const chrono::year_month_day date{chrono::year(*year), chrono::month(static_cast<unsigned>(*month)),
                                    chrono::day(static_cast<unsigned>(*day))};
  if (!date.ok()) return std::nullopt;
  const std::int64_t midnight = chrono::sys_seconds(chrono::sys_days(date)).time_since_epoch().count();
  if (text.empty()) return time_of_epoch(midnight);
  if (!skip(text, 'T') && !skip(text, ' ')) return std::nullopt;
  const auto clock = take_clock(text);
  if (!clock) return std::nullopt;
  const auto zone = take_zone(text);
  if (!zone || !text.empty()) return std::nullopt;
  const Nanoseconds later = *clock - *zone;
  const auto seconds = chrono::floor<chrono::seconds>(later);
  return time_of_epoch(midnight + seconds.count(), later - seconds);
}

namespace {

// The digits of value/unit with trailing zeros dropped: (1500, 1000) -> "1.5".
std::string decimal(std::uint64_t value, std::uint64_t unit) {
  std::string text = std::to_string(value / unit);
  std::uint64_t rest = value % unit;
  if (!rest) return text;
  text += '.';
  while (rest) {
    unit /= 10;
    text += static_cast<char>('0' + rest / unit);
    rest %= unit;
  }
  return text;
}

}  // namespace

std::string format_duration(Nanoseconds duration) {
  const std::int64_t count = duration.count();
  if (count == 0) return "0s";
  const std::string sign = count < 0 ? "-" : "";
  const std::uint64_t ns = count < 0 ? ~static_cast<std::uint64_t>(count) + 1 : static_cast<std::uint64_t>(count);
  if (ns < 1'000) return sign + std::to_string(ns) + "ns";
  if (ns < 1'000'000) return sign + decimal(ns, 1'000) + "µs";
  if (ns < 1'000'000'000) return sign + decimal(ns, 1'000'000) + "ms";
  constexpr std::uint64_t second = 1'000'000'000;
  const std::uint64_t minutes = ns / (60 * second);
  std::string text = sign;
  if (minutes >= 60) text += std::to_string(minutes / 60) + "h";
  if (minutes > 0) text += std::to_string(minutes % 60) + "m";
  return text + decimal(ns % (60 * second), second) + "s";
}

std::optional<Nanoseconds> parse_duration(std::string_view text) {
  bool negative = false;
  if (text.starts_with('-') || text.starts_with('+')) {
    negative = text.starts_with('-');
    text.remove_prefix(1);
  }
  if (text == "0") return Nanoseconds(0);
  if (text.empty()) return std::nullopt;
  constexpr std::array<std::pair<std::string_view, double>, 10> units{{{"ns", 1},
                                                                       {"us", 1e3},
                                                                       {"µs", 1e3},
                                                                       {"μs", 1e3},
                                                                       {"ms", 1e6},
                                                                       {"s", 1e9},
                                                                       {"m", 60e9},
                                                                       {"h", 3600e9},
                                                                       {"d", 24 * 3600e9},
                                                                       {"w", 7 * 24 * 3600e9}}};
  long double total = 0;
  while (!text.empty()) {
    const std::size_t number_end = std::min(text.find_first_not_of("0123456789."), text.size());
    double number = 0;
    const auto [end, error] = std::from_chars(text.data(), text.data() + number_end, number);
    if (error != std::errc{} || end != text.data() + number_end) return std::nullopt;
    text.remove_prefix(number_end);
    const std::size_t unit_end = std::min(text.find_first_of("0123456789."), text.size());
    double scale = 0;
    for (const auto& [name, value] : units)
      if (text.substr(0, unit_end) == name) scale = value;
    if (scale == 0) return std::nullopt;
    text.remove_prefix(unit_end);
    total += static_cast<long double>(number) * scale;
  }
  if (total > static_cast<long double>(std::numeric_limits<std::int64_t>::max())) return std::nullopt;
  const auto rounded = static_cast<std::int64_t>(std::llroundl(total));
  return Nanoseconds(negative ? -rounded : rounded);
}

std::string human_duration(Nanoseconds duration) {
  const auto seconds = chrono::duration_cast<chrono::seconds>(duration).count();
  if (seconds < 1) return "Less than a second";
  if (seconds == 1) return "1 second";
  if (seconds < 60) return std::to_string(seconds) + " seconds";
  const auto minutes = seconds / 60;
  if (minutes == 1) return "About a minute";
  if (minutes < 60) return std::to_string(minutes) + " minutes";
  const auto hours = (seconds + 1800) / 3600;
  if (hours == 1) return "About an hour";
  if (hours < 48) return std::to_string(hours) + " hours";
  if (hours < 24 * 7 * 2) return std::to_string(hours / 24) + " days";
  if (hours < 24 * 30 * 2) return std::to_string(hours / 24 / 7) + " weeks";
  if (hours < 24 * 365 * 2) return std::to_string(hours / 24 / 30) + " months";
  return std::to_string(hours / 24 / 365) + " years";
}

static std::string human_bytes(std::uint64_t bytes, double base, std::span<const std::string_view> units, int digits) {
  double value = static_cast<double>(bytes);
  std::size_t unit = 0;
  while (value >= base && unit + 1 < units.size()) {
    value /= base;
    ++unit;
  }
  std::array<char, 64> text;
  const int size = std::snprintf(text.data(), text.size(), "%.*g", digits, value);
  return std::string(text.data(), static_cast<std::size_t>(size)) + std::string(units[unit]);
}

std::string human_bytes_decimal(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 6> units{"B", "kB", "MB", "GB", "TB", "PB"};
  return human_bytes(bytes, 1000, units, 3);
}

std::string human_bytes_binary(std::uint64_t bytes) {
  static constexpr std::array<std::string_view, 6> units{"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
  return human_bytes(bytes, 1024, units, 4);
}

}  // namespace consort

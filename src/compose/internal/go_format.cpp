#include "compose/internal/go_format.hpp"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

namespace consort::compose {

namespace {

// The shortest digits that read back as the same number, as "d.ddde[+-]xx"; then formatted as Go does.
template <typename Float>
std::string shortest(Float value, int smallest_exponent, int exponent_limit) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "+Inf" : "-Inf";
  std::array<char, 64> buffer{};
  const auto end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::scientific);
  std::string scientific(buffer.data(), end.ptr);
  const std::size_t e = scientific.find('e');
  const int exponent = std::atoi(scientific.c_str() + e + 1);
  if (value != 0 && (exponent < smallest_exponent || exponent >= exponent_limit)) return scientific;
  const auto fixed_end = std::to_chars(buffer.data(), buffer.data() + buffer.size(), value, std::chars_format::fixed);
  std::string fixed(buffer.data(), fixed_end.ptr);
  // Whole numbers beyond the shortest digits are padded with zeros.
  const std::size_t digits = e - (scientific.find('.') == std::string::npos ? 0 : 1);  // and the sign
  if (fixed.find('.') == std::string::npos && digits < fixed.size())
    std::fill(fixed.begin() + static_cast<std::ptrdiff_t>(digits), fixed.end(), '0');
  return fixed;
}

// encoding/json writes e-9, where other formatting in Go writes e-09.
std::string trim_exponent(std::string text) {
  const std::size_t e = text.find("e-0");
  if (e != std::string::npos) text.erase(e + 2, 1);
  return text;
}

}  // namespace

std::string format_float(double value) {
  return shortest(value, -4, 6);
}
std::string format_float32(float value) {
  return shortest(value, -4, 6);
}
std::string format_json_float(double value) {
  return trim_exponent(shortest(value, -6, 21));
}
std::string format_json_float32(float value) {
  return trim_exponent(shortest(value, -6, 21));
}

std::string format_timestamp(std::string_view text) {
  std::size_t at = 0;
  const auto number = [&](std::size_t width) {
    std::string digits;
    while (at < text.size() && text[at] >= '0' && text[at] <= '9') digits.push_back(text[at++]);
    if (digits.size() < width) digits.insert(0, width - digits.size(), '0');
    return digits;
  };
  std::string made = number(4);
  for (const char separator : {'-', '-', 'T', ':', ':'}) {
    ++at;
    made += separator + number(2);
  }
  if (at < text.size() && text[at] == '.') {
    ++at;
    std::string fraction = number(1);
    fraction.erase(fraction.find_last_not_of('0') + 1);
    if (!fraction.empty()) made += "." + fraction;
  }
  const std::string_view zone = at < text.size() ? text.substr(at) : std::string_view();
  const bool utc = zone.empty() || zone == "Z" || zone.substr(1) == "00:00";
  return made + (utc ? "Z" : std::string(zone));
}

std::optional<std::int64_t> parse_go_int(std::string_view text) {
  bool negative = false;
  if (!text.empty() && (text[0] == '-' || text[0] == '+')) {
    negative = text[0] == '-';
    text.remove_prefix(1);
  }
  int base = 10;
  if (text.size() > 1 && text[0] == '0') {
    const char c = static_cast<char>(text[1] | 0x20);
    base = c == 'x' ? 16 : c == 'o' ? 8 : c == 'b' ? 2 : 0;
    if (base != 0) {
      text.remove_prefix(2);
    } else {
      base = 8;
      text.remove_prefix(1);
    }
  }
  if (text.empty()) return std::nullopt;
  std::uint64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value, base);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  const auto limit = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()) + (negative ? 1U : 0U);
  if (value > limit) return std::nullopt;
  return static_cast<std::int64_t>(negative ? 0 - value : value);
}

std::optional<std::int64_t> parse_decimal_int(std::string_view text) {
  if (!text.empty() && text[0] == '+') {
    text.remove_prefix(1);
    if (!text.empty() && text[0] == '-') return std::nullopt;
  }
  if (text.empty()) return std::nullopt;
  std::int64_t value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value, 10);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace consort::compose

// Values that are almost right: "30sec", "512Mi", "half a minute with a space".
#include <array>
#include <cmath>

#include "base/strings.hpp"
#include "base/time.hpp"
#include "compose/internal/go_format.hpp"
#include "compose/passes/suggest.hpp"

namespace consort::compose {

namespace {

struct Unit {
  std::string_view word;
  std::string_view right;
};
constexpr std::array<Unit, 21> time_units{{{"s", "s"},
                                           {"sec", "s"},
                                           {"secs", "s"},
                                           {"second", "s"},
                                           {"seconds", "s"},
                                           {"m", "m"},
                                           {"min", "m"},
                                           {"mins", "m"},
                                           {"minute", "m"},
                                           {"minutes", "m"},
                                           {"h", "h"},
                                           {"hr", "h"},
                                           {"hrs", "h"},
                                           {"hour", "h"},
                                           {"hours", "h"},
                                           {"ms", "ms"},
                                           {"msec", "ms"},
                                           {"msecs", "ms"},
                                           {"millis", "ms"},
                                           {"millisecond", "ms"},
                                           {"milliseconds", "ms"}}};
constexpr std::array<Unit, 17> size_units{{{"byte", "b"},
                                           {"bytes", "b"},
                                           {"ki", "k"},
                                           {"mi", "m"},
                                           {"gi", "g"},
                                           {"ti", "t"},
                                           {"kilobyte", "k"},
                                           {"kilobytes", "k"},
                                           {"megabyte", "m"},
                                           {"megabytes", "m"},
                                           {"mega", "m"},
                                           {"meg", "m"},
                                           {"megs", "m"},
                                           {"gigabyte", "g"},
                                           {"gigabytes", "g"},
                                           {"giga", "g"},
                                           {"gig", "g"}}};

template <std::size_t n>
std::optional<std::string> with_unit(std::string_view text, const std::array<Unit, n>& units) {
  const std::size_t digits = text.find_first_not_of("0123456789.");
  if (digits == 0 || digits == std::string_view::npos) return std::nullopt;
  const std::string word = to_lower(trim(text.substr(digits)));
  for (const Unit& unit : units) {
    if (unit.word == word) return std::string(text.substr(0, digits)) + std::string(unit.right);
  }
  return std::nullopt;
}

}  // namespace

std::optional<std::string> better_duration(std::string_view text) {
  const std::size_t digits = text.find_first_not_of("0123456789");
  const std::string word = digits == std::string_view::npos ? "" : to_lower(trim(text.substr(digits)));
  if (digits != 0 && (word == "d" || word == "day" || word == "days")) {
    if (const auto days = parse_unsigned(text.substr(0, digits)); days && *days < 10'000)
      return std::to_string(*days * 24) + "h";
  }
  return with_unit(text, time_units);
}

std::optional<std::string> better_size(std::string_view text) {
  return with_unit(text, size_units);
}

// "500m" as in Kubernetes, "0,5", "50%".
std::optional<std::string> better_number(std::string_view text) {
  std::string number(text);
  double scale = 1;
  if (number.ends_with('m') || number.ends_with('%')) {
    scale = number.back() == 'm' ? 1000 : 100;
    number.pop_back();
  }
  if (const std::size_t comma = number.find(','); comma != std::string::npos && scale == 1) number[comma] = '.';
  const auto value = parse_go_float(number);
  if (!value || number == text || !std::isfinite(*value)) return std::nullopt;
  return format_float(*value / scale);
}

}  // namespace consort::compose

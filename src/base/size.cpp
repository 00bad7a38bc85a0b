#include "base/size.hpp"

#include <string>

#include "base/go_float.hpp"
#include "base/strings.hpp"

namespace consort {

namespace {

constexpr std::string_view prefixes = "kmgtp";
constexpr std::size_t longest_unit = 3;  // a longer unit is quoted as it was written

// Returns 0 if there is no such unit.
double scale_of(const std::string& unit, SizeUnits units) {
  if (unit.empty() || unit == "b") return 1;
  const std::size_t power = prefixes.find(unit[0]);
  const std::string_view rest = std::string_view(unit).substr(1);
  if (power == std::string_view::npos || (!rest.empty() && rest != "b" && rest != "ib")) return 0;
  const double step = units == SizeUnits::binary ? 1024 : 1000;
  double scale = 1;
  for (std::size_t i = 0; i <= power; ++i) scale *= step;
  return scale;
}

}  // namespace

Result<std::int64_t> parse_size(std::string_view text, SizeUnits units) {
  const auto bad = [&] { return fail(Code::invalid, "invalid size: '" + std::string(text) + "'"); };
  // The unit begins after the last of these characters; one space may stand before it.
  const std::size_t last = text.find_last_of("0123456789. ");
  if (last == std::string_view::npos) return bad();
  const std::string_view number = text.substr(0, text[last] == ' ' ? last : last + 1);
  std::string unit(text.substr(last + 1));
  if (unit.size() <= longest_unit) unit = to_lower(unit);
  const auto value = parse_go_float(number);
  if (!value) return fail(Code::invalid, "strconv.ParseFloat: parsing \"" + std::string(number) + "\": invalid syntax");
  if (*value < 0) return bad();
  const double scale = scale_of(unit, units);
  if (scale == 0) return fail(Code::invalid, "invalid suffix: '" + unit + "'");
  const double bytes = *value * scale;
  if (!(bytes < 9.2e18)) return bad();
  return static_cast<std::int64_t>(bytes);
}

}  // namespace consort

// Formats and parses numbers as Go does, because users see the values of a Compose file in that notation.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "base/go_float.hpp"

namespace consort::compose {

// fmt.Sprint of a float64: shortest representation, exponent notation if the exponent is below -4 or above 5.
std::string format_float(double value);
std::string format_float32(float value);
// encoding/json: plain decimals between 1e-6 and 1e21.
std::string format_json_float(double value);
// Formats a YAML timestamp as Go does: "2001-1-2" -> "2001-01-02T00:00:00Z".
std::string format_timestamp(std::string_view text);
std::string format_json_float32(float value);

// strconv.ParseInt(text, 0, 64) after removing underscores: prefixes 0x, 0o, 0b, and a leading 0 for octal.
std::optional<std::int64_t> parse_go_int(std::string_view text);
// The same with base 10 and without underscores.
std::optional<std::int64_t> parse_decimal_int(std::string_view text);

}  // namespace consort::compose

// Parses sizes as Docker does: a number, possibly with a fraction, and a unit ("512m", "1.5 GiB", "64KB").
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"

namespace consort {

enum class SizeUnits : std::uint8_t {
  binary,   // "k" is 1024, as are "KiB" and "KB": nearly everywhere
  decimal,  // "k" is 1000, as is "KiB": max-size of logs
};
// In bytes. Code::invalid with Docker's message, which names the text; the caller adds the setting it belongs to.
Result<std::int64_t> parse_size(std::string_view text, SizeUnits units = SizeUnits::binary);

}  // namespace consort

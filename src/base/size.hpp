// Sizes as Docker's programs read them: a number, which may have a fraction, and a unit ("512m", "1.5 GiB", "64KB").
#pragma once

#include <cstdint>
#include <string_view>

#include "base/error.hpp"

namespace consort {

enum class SizeUnits : std::uint8_t {
  binary,   // "k" is 1024 ("KiB" and "KB" too): nearly everything
  decimal,  // "k" is 1000 ("KiB" too): max-size of logs
};
// In bytes. Code::invalid with Docker's words, which name the text: for whoever says in which setting it stands.
Result<std::int64_t> parse_size(std::string_view text, SizeUnits units = SizeUnits::binary);

}  // namespace consort

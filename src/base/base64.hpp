// Base64 with the standard alphabet (+ and /, RFC 4648, section 4).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace consort {

std::string base64_encode(std::string_view text);
// With or without padding. nullopt: the text contains a character that is not valid at its position.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace consort

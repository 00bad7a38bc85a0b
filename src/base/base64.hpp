// Base64 with + and /.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace consort {

std::string base64_encode(std::string_view text);
// With or without the = at the end. nullopt: a character that has no place there.
std::optional<std::string> base64_decode(std::string_view text);

}  // namespace consort

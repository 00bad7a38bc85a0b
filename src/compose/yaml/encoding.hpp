// Checks the encoding of a text before it is scanned (YAML 1.2, sections 5.1 and 5.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compose/yaml/token.hpp"

namespace consort::compose::yaml {

// The first byte that is not valid UTF-8 or is a control character.
std::optional<Problem> find_bad_character(std::string_view text);
// Converts UTF-16 text with a byte order mark to UTF-8; nullopt for any other text.
std::optional<std::string> decode_utf16(std::string_view text);

}  // namespace consort::compose::yaml

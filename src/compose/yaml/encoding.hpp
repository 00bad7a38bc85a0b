// What a text may consist of, before anybody looks at what it says (YAML 1.2, 5.1 and 5.2).
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "compose/yaml/token.hpp"

namespace consort::compose::yaml {

// The first byte that is not UTF-8, or is a control character.
std::optional<Problem> find_bad_character(std::string_view text);
// A text in UTF-16 with a byte order mark, as UTF-8; nothing for any other.
std::optional<std::string> decode_utf16(std::string_view text);

}  // namespace consort::compose::yaml

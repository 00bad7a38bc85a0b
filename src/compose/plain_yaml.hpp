// Parses YAML that is not a Compose file, such as settings of other programs, with the same parser and limits.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "compose/node.hpp"

namespace consort::compose {

// The first document; null if there is none. `source` names the text in errors; positions in it refer to no source.
Result<Node> parse_plain_yaml(std::string_view text, const std::string& source);

}  // namespace consort::compose

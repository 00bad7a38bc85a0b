// YAML that is no Compose file: settings of other programs, read by the same parser with the same limits.
#pragma once

#include <string>
#include <string_view>

#include "base/error.hpp"
#include "compose/node.hpp"

namespace consort::compose {

// The first document; null for a text without any. `source` names the text in errors; places in it point nowhere.
Result<Node> parse_plain_yaml(std::string_view text, const std::string& source);

}  // namespace consort::compose

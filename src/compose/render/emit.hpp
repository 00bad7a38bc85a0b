// Trees to text, byte for byte as the Go libraries of Docker Compose write them.
#pragma once

#include <string>

#include "compose/node.hpp"

namespace consort::compose {

std::string emit_yaml(const Node& root);
// Two blanks of indentation, no final newline.
std::string emit_json(const Node& root);
std::string emit_compact_json(const Node& root);

// Doubles every `$`, as `config` does so that its output can be read again.
std::string escape_dollars(std::string text);

}  // namespace consort::compose

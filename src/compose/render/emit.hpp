// Trees to text, byte for byte as the Go libraries of Docker Compose write them.
#pragma once

#include <string>

#include "compose/node.hpp"

namespace consort::compose {

std::string emit_yaml(const Node& root);
// Two blanks of indentation, no final newline.
std::string emit_json(const Node& root);
std::string emit_compact_json(const Node& root);

// Appends null, booleans and integers, which both languages write alike; false for everything else.
bool emit_word(std::string& into, const Node& node);

// Doubles every `$`, as `config` does so that its output can be read again.
std::string escape_dollars(std::string text);

}  // namespace consort::compose

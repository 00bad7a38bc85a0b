// Prints trees byte for byte as the Go libraries used by Docker Compose do.
#pragma once

#include <string>

#include "compose/node.hpp"

namespace consort::compose {

std::string emit_yaml(const Node& root);
// Indented by two spaces, without a final newline.
std::string emit_json(const Node& root);
std::string emit_compact_json(const Node& root);

// Appends null, booleans and integers, which are the same in YAML and JSON; false for anything else.
bool emit_word(std::string& into, const Node& node);

// Doubles every `$`, as `config` does so that its output can be read back.
std::string escape_dollars(std::string text);

}  // namespace consort::compose

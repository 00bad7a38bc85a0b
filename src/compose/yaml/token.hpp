// The tokens of YAML 1.1/1.2, as the scanner passes them to the parser.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>

#include "compose/node.hpp"

namespace consort::compose::yaml {

// A position in the text: byte offset, and line and column from 0 in code points.
struct Position {
  std::size_t offset = 0;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
};

enum class TokenType : std::uint8_t {
  stream_end,
  version_directive,
  tag_directive,
  document_start,
  document_end,
  block_sequence_start,
  block_mapping_start,
  block_end,
  flow_sequence_start,
  flow_sequence_end,
  flow_mapping_start,
  flow_mapping_end,
  block_entry,
  flow_entry,
  key,
  value,
  alias,
  anchor,
  tag,
  scalar,
};

struct Token {
  TokenType type = TokenType::stream_end;
  Position start;
  Position end;
  Style style = Style::plain;
  std::string text;  // for scalars, anchors, aliases, tags
};

// A syntax error, in the wording of common YAML libraries.
struct Problem {
  std::string context;  // "while scanning a quoted scalar"
  Position context_at;
  std::string problem;  // "found unexpected end of stream"
  Position at;
};

}  // namespace consort::compose::yaml

// Builds trees from tokens. Defined in parser.cpp (documents, nodes, anchors, scalars), collections.cpp (sequences and
// mappings) and merge_keys.cpp (adding entries, and `<<`).
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "compose/yaml/parser.hpp"
#include "compose/yaml/scanner.hpp"

namespace consort::compose::yaml {

inline constexpr std::size_t duplicate_limit = 1000;  // further ones are not shown

struct FlowStyle;

// The context of a node, which determines what may start there: block collections only outside flow collections; a
// sequence that is not indented further than its key only as the value of a key.
enum class Spot : std::uint8_t { flow, block, block_value };

class TreeBuilder {
 public:
  TreeBuilder(std::string_view text, std::uint32_t source, Documents& out);

  void run() {
    while (document()) {
    }
    if (!out_.problem && scanner_.problem()) out_.problem = scanner_.problem();
  }

 private:
  struct Properties {
    std::string anchor;
    std::string tag;
    std::optional<Position> start;
  };
  struct Anchor {
    Node node;
    std::size_t size = 0;
    bool complete = false;
  };

  bool fail(std::string context, Position context_at, std::string problem, Position at) {
    if (scanner_.problem()) {
      if (!out_.problem) out_.problem = scanner_.problem();
    } else if (!out_.problem) {
      out_.problem = Problem{std::move(context), context_at, std::move(problem), at};
    }
    return false;
  }
  // The type of the next token; stream_end and false after a problem.
  bool next(TokenType& type, Position& at) {
    const Token* token = scanner_.peek();
    if (!token) return fail("", {}, "", {});
    type = token->type;
    at = token->start;
    return true;
  }
  Place place(Position start, Position end) const {
    const std::uint32_t length = end.line == start.line && end.column > start.column ? end.column - start.column : 0;
    return Place{source_, start.line + 1, start.column + 1, length};
  }

  bool document();
  bool node(Node& into, Spot spot);
  bool node_unless(std::initializer_list<TokenType> ends, Node& into, Spot spot);
  bool content(Node& into, Spot spot, const Properties& properties);
  bool properties(Properties& into);
  bool alias(Node& into);
  bool keep_anchor(const std::string& name, const Node& node, Position at);
  bool scalar(Node& into, Token token, const std::string& tag);
  bool block_sequence(Node& into);
  bool indentless_sequence(Node& into);
  bool block_item(std::initializer_list<TokenType> ends, Node& into);
  bool block_mapping(Node& into);
  bool flow_sequence(Node& into);
  bool flow_mapping(Node& into);
  bool flow_entry(TokenType end, Node& mapping);
  bool flow_separator(const FlowStyle& style, Position start, TokenType& type, Position& at);
  bool flow_pair(Node& into);
  bool add_entry(Node& mapping, Node key, Node value, Position at);
  bool merge(Node& mapping);
  bool merge_from(Node& mapping, const Node& from, Place at);
  bool count(std::size_t nodes, Position at) {
    nodes_ += nodes;
    return nodes_ <= limit_ || fail("", at, "document contains excessive aliasing or too many values", at);
  }

  Scanner scanner_;
  std::uint32_t source_;
  Documents& out_;
  std::unordered_map<std::string, Anchor> anchors_;
  std::unordered_set<std::string_view> alias_names_;  // words after "*" in the text, which may be alias names
  std::size_t nodes_ = 0;
  std::size_t limit_;
  std::size_t depth_ = 0;
  bool first_document_ = true;
};

}  // namespace consort::compose::yaml

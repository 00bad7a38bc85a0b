// Sequences and mappings, in block and flow style.
#include "compose/yaml/tree_builder.hpp"

namespace consort::compose::yaml {

struct FlowStyle {
  TokenType end;
  const char* context;
  const char* expected;
};

namespace {

constexpr FlowStyle sequence_style{TokenType::flow_sequence_end, "while parsing a flow sequence",
                                   "did not find expected ',' or ']'"};
constexpr FlowStyle mapping_style{TokenType::flow_mapping_end, "while parsing a flow mapping",
                                  "did not find expected ',' or '}'"};

}  // namespace

bool TreeBuilder::block_sequence(Node& into) {
  const Position start = scanner_.take().start;
  into.kind = Kind::sequence;
  into.style = Style::block;
  for (;;) {
    TokenType type{};
    Position at;
    if (!next(type, at)) return false;
    if (type == TokenType::block_end) {
      scanner_.take();
      return true;
    }
    if (type != TokenType::block_entry) {
      return fail("while parsing a block collection", start, "did not find expected '-' indicator", at);
    }
    if (!block_item({TokenType::block_entry, TokenType::block_end}, into)) return false;
  }
}

bool TreeBuilder::indentless_sequence(Node& into) {
  into.kind = Kind::sequence;
  into.style = Style::block;
  for (;;) {
    TokenType type{};
    Position at;
    if (!next(type, at)) return false;
    if (type != TokenType::block_entry) return true;
    if (!block_item({TokenType::block_entry, TokenType::key, TokenType::value, TokenType::block_end}, into))
      return false;
  }
}

bool TreeBuilder::block_item(std::initializer_list<TokenType> ends, Node& into) {
  const Position dash_end = scanner_.take().end;
  Node item = Node::make_null(place(dash_end, dash_end));
  if (!node_unless(ends, item, Spot::block)) return false;
  into.items.push_back(std::move(item));
  return true;
}

bool TreeBuilder::block_mapping(Node& into) {
  const auto ends = {TokenType::key, TokenType::value, TokenType::block_end};
  const Position start = scanner_.take().start;
  into.kind = Kind::mapping;
  into.style = Style::block;
  for (;;) {
    TokenType type{};
    Position at;
    if (!next(type, at)) return false;
    if (type == TokenType::block_end) {
      scanner_.take();
      return merge(into);
    }
    Node key;
    const Position key_at = at;
    if (type == TokenType::key) {
      scanner_.take();
      if (!node_unless(ends, key, Spot::block_value) || !next(type, at)) return false;
    } else if (type != TokenType::value) {
      return fail("while parsing a block mapping", start, "did not find expected key", at);
    }
    Node value = Node::make_null(key.place);
    if (type == TokenType::value) {
      const Position value_end = scanner_.take().end;
      value.place = place(value_end, value_end);
      if (!node_unless(ends, value, Spot::block_value)) return false;
    }
    if (!add_entry(into, std::move(key), std::move(value), key_at)) return false;
  }
}

// `a: b` as an item of a flow sequence: a mapping with one key.
bool TreeBuilder::flow_pair(Node& into) {
  into.kind = Kind::mapping;
  into.style = Style::flow;
  const Position start = scanner_.peek()->start;
  into.place = place(start, start);
  return flow_entry(TokenType::flow_sequence_end, into) && merge(into);
}

// A key, its value, or neither; `end` closes the surrounding collection.
bool TreeBuilder::flow_entry(TokenType end, Node& mapping) {
  TokenType type{};
  Position start;
  Position at;
  if (!next(type, start)) return false;
  if (type == TokenType::key) scanner_.take();
  Node key;
  if (!node_unless({TokenType::value, TokenType::flow_entry, end}, key, Spot::flow) || !next(type, at)) return false;
  Node value = Node::make_null(key.place);
  if (type == TokenType::value) {
    scanner_.take();
    if (!node_unless({TokenType::flow_entry, end}, value, Spot::flow)) return false;
  }
  return add_entry(mapping, std::move(key), std::move(value), start);
}

// The comma between two items; then the type of what follows.
bool TreeBuilder::flow_separator(const FlowStyle& style, Position start, TokenType& type, Position& at) {
  if (!next(type, at)) return false;
  if (type == style.end) return true;
  if (type != TokenType::flow_entry) return fail(style.context, start, style.expected, at);
  scanner_.take();
  return next(type, at);
}

bool TreeBuilder::flow_sequence(Node& into) {
  const Position start = scanner_.take().start;
  into.kind = Kind::sequence;
  into.style = Style::flow;
  TokenType type{};
  Position at;
  if (!next(type, at)) return false;
  while (type != sequence_style.end) {
    Node item;
    if (type == TokenType::key ? !flow_pair(item) : !node(item, Spot::flow)) return false;
    into.items.push_back(std::move(item));
    if (!flow_separator(sequence_style, start, type, at)) return false;
  }
  into.place = place(start, scanner_.take().end);
  return true;
}

bool TreeBuilder::flow_mapping(Node& into) {
  const Position start = scanner_.take().start;
  into.kind = Kind::mapping;
  into.style = Style::flow;
  TokenType type{};
  Position at;
  if (!next(type, at)) return false;
  while (type != mapping_style.end) {
    if (!flow_entry(mapping_style.end, into)) return false;
    if (!flow_separator(mapping_style, start, type, at)) return false;
  }
  into.place = place(start, scanner_.take().end);
  return merge(into);
}

}  // namespace consort::compose::yaml

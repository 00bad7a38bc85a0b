#include "compose/yaml/parser.hpp"

#include <algorithm>
#include <initializer_list>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "base/strings.hpp"
#include "compose/yaml/encoding.hpp"
#include "compose/yaml/scanner.hpp"

namespace consort::compose::yaml {

namespace {

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

constexpr std::size_t duplicate_limit = 1000;  // more are not shown

struct FlowStyle {
  TokenType end;
  const char* context;
  const char* expected;
};
constexpr FlowStyle sequence_style{TokenType::flow_sequence_end, "while parsing a flow sequence",
                                   "did not find expected ',' or ']'"};
constexpr FlowStyle mapping_style{TokenType::flow_mapping_end, "while parsing a flow mapping",
                                  "did not find expected ',' or '}'"};

// Where a node stands, which says what may begin there: block collections only outside of flow ones; a sequence that is
// indented no further than its key only as the value of one.
enum class Spot : std::uint8_t { flow, block, block_value };

class Parser {
 public:
  Parser(std::string_view text, std::uint32_t source, Documents& out);

  void run() {
    while (document()) {
    }
    if (!out_.problem && scanner_.problem()) out_.problem = scanner_.problem();
  }

 private:
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
  std::unordered_set<std::string_view> alias_names_;  // and other words
  std::size_t nodes_ = 0;
  std::size_t limit_;
  std::size_t depth_ = 0;
  bool first_document_ = true;
};

std::unordered_set<std::string_view> words_behind_stars(std::string_view text);

Parser::Parser(std::string_view text, std::uint32_t source, Documents& out)
    : scanner_(text),
      source_(source),
      out_(out),
      alias_names_(words_behind_stars(text)),
      limit_(node_limit(text.size())) {}

// "%YAML 1.1", the one version that the original takes.
bool is_version_1_1(std::string_view directive) {
  directive.remove_prefix(std::min(directive.size(), directive.find_first_of(" \t")));
  directive = directive.substr(0, directive.find('#'));
  return trim(directive) == "1.1";
}

bool Parser::document() {
  TokenType type{};
  Position at;
  if (!next(type, at)) return false;
  while (type == TokenType::document_end && !first_document_) {
    scanner_.take();
    if (!next(type, at)) return false;
  }
  if (type == TokenType::stream_end) return false;
  bool directives = false;
  while (type == TokenType::version_directive || type == TokenType::tag_directive) {
    const Token directive = scanner_.take();
    if (type == TokenType::version_directive && !is_version_1_1(directive.text)) {
      return fail("", at, "found incompatible YAML document", at);
    }
    directives = true;
    if (!next(type, at)) return false;
  }
  if (type == TokenType::document_start) {
    scanner_.take();
  } else if (directives || !first_document_) {
    return fail("", at, "did not find expected <document start>", at);
  }
  first_document_ = false;
  anchors_.clear();
  Node root;
  if (!next(type, at)) return false;
  if (type != TokenType::document_start && type != TokenType::document_end && type != TokenType::stream_end) {
    if (!node(root, Spot::block)) return false;
  } else {
    root.place = place(at, at);
  }
  out_.roots.push_back(std::move(root));
  return true;
}

bool Parser::properties(Properties& into) {
  for (;;) {
    const Token* token = scanner_.peek();
    if (!token) return fail("", {}, "", {});
    if (token->type == TokenType::anchor && into.anchor.empty()) {
      if (!into.start) into.start = token->start;
      into.anchor = scanner_.take().text;
    } else if (token->type == TokenType::tag && into.tag.empty()) {
      if (!into.start) into.start = token->start;
      into.tag = scanner_.take().text;
    } else {
      return true;
    }
  }
}

bool Parser::alias(Node& into) {
  const Token token = scanner_.take();
  const auto found = anchors_.find(token.text);
  if (found == anchors_.end()) {
    return fail("", token.start, "unknown anchor '" + token.text + "' referenced", token.start);
  }
  if (!found->second.complete) {
    return fail("", token.start, "anchor '" + token.text + "' value contains itself", token.start);
  }
  if (!count(found->second.size, token.start)) return false;
  into = found->second.node;
  into.alias_copy = true;
  return true;
}

// A copy of what an alias may ask for. It counts like what an alias makes of it, or anchors inside of anchors would
// make of 200 KB some gigabytes; an anchor that no alias names costs nothing.
bool Parser::keep_anchor(const std::string& name, const Node& node, Position at) {
  Anchor kept;
  kept.complete = true;
  if (alias_names_.contains(name)) {
    kept.size = size_of(node);
    if (!count(kept.size, at)) return false;
    kept.node = node;
  }
  anchors_[name] = std::move(kept);
  return true;
}

// Every word behind a `*`, in comments and texts too: at least the names of all aliases.
std::unordered_set<std::string_view> words_behind_stars(std::string_view text) {
  std::unordered_set<std::string_view> words;
  for (std::size_t at = text.find('*'); at != std::string_view::npos; at = text.find('*', at + 1)) {
    std::size_t end = at + 1;
    while (end < text.size() && is_anchor_byte(text[end])) ++end;
    words.insert(text.substr(at + 1, end - at - 1));
  }
  return words;
}

// Depth is counted here, as every level of nesting passes through.
bool Parser::node(Node& into, Spot spot) {
  TokenType type{};
  Position at;
  if (!next(type, at)) return false;
  if (type == TokenType::alias) return alias(into);
  if (++depth_ > nesting_limit) return fail("", at, "exceeded max depth", at);
  if (!count(1, at)) return false;
  Properties found;
  if (!properties(found)) return false;
  if (!found.anchor.empty()) anchors_[found.anchor] = Anchor{};
  if (!content(into, spot, found)) return false;
  if (found.tag == "!reset") into.directive = Directive::reset;
  if (found.tag == "!override") into.directive = Directive::override_;
  if (!found.anchor.empty() && !keep_anchor(found.anchor, into, at)) return false;
  --depth_;
  return true;
}

// Leaves `into` as it is where one of these tokens says that nothing was written.
bool Parser::node_unless(std::initializer_list<TokenType> ends, Node& into, Spot spot) {
  TokenType type{};
  Position at;
  if (!next(type, at)) return false;
  return std::ranges::find(ends, type) != ends.end() || node(into, spot);
}

bool Parser::content(Node& into, Spot spot, const Properties& found) {
  const bool block = spot != Spot::flow;
  TokenType type{};
  Position at;
  if (!next(type, at)) return false;
  into.place = place(at, at);
  if (spot == Spot::block_value && type == TokenType::block_entry) return indentless_sequence(into);
  switch (type) {
    case TokenType::scalar:
      return scalar(into, scanner_.take(), found.tag);
    case TokenType::flow_sequence_start:
      return flow_sequence(into);
    case TokenType::flow_mapping_start:
      return flow_mapping(into);
    case TokenType::block_sequence_start:
      if (block) return block_sequence(into);
      break;
    case TokenType::block_mapping_start:
      if (block) return block_mapping(into);
      break;
    default:
      break;
  }
  if (found.start) {
    into.place = place(*found.start, at);
    const bool core = found.tag.empty() || (found.tag.starts_with("!!") && found.tag != "!!str");
    into.kind = core ? Kind::null : Kind::string;
    const bool own = found.tag.size() > 1 && found.tag[0] == '!' && found.tag[1] != '!';
    if (own && found.tag != "!reset" && found.tag != "!override" && out_.lonely_tags.size() < duplicate_limit) {
      Place tag = into.place;
      tag.length = static_cast<std::uint32_t>(found.tag.size());
      out_.lonely_tags.push_back(BadKey{found.tag, "", tag});
    }
    return true;
  }
  return fail(block ? "while parsing a block node" : "while parsing a flow node", at,
              "did not find expected node content", at);
}

bool Parser::scalar(Node& into, Token token, const std::string& tag) {
  into.place = place(token.start, token.end);
  into.style = token.style;
  into.text = std::move(token.text);
  into.kind = Kind::string;
  const bool core = tag.starts_with("!!");
  if (tag == "!!str" || tag == "!" || tag == "!!binary") return true;
  if (core) {
    resolve_plain(into);
    if (tag == "!!float" && into.kind == Kind::integer) into.kind = Kind::floating;
    const bool fits = (tag == "!!int" && into.kind == Kind::integer) ||
                      (tag == "!!float" && into.kind == Kind::floating) ||
                      (tag == "!!bool" && into.kind == Kind::boolean) || (tag == "!!null" && into.kind == Kind::null) ||
                      (tag != "!!int" && tag != "!!float" && tag != "!!bool" && tag != "!!null");
    if (!fits) {
      fail("", token.start, "cannot decode !!str `" + into.text + "` as a " + tag, token.start);
      return false;
    }
    return true;
  }
  if (token.style == Style::plain && tag.empty()) resolve_plain(into);  // a tag of one's own makes a string
  return true;
}

bool Parser::block_sequence(Node& into) {
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

bool Parser::indentless_sequence(Node& into) {
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

bool Parser::block_item(std::initializer_list<TokenType> ends, Node& into) {
  const Position dash_end = scanner_.take().end;
  Node item = Node::make_null(place(dash_end, dash_end));
  if (!node_unless(ends, item, Spot::block)) return false;
  into.items.push_back(std::move(item));
  return true;
}

bool Parser::block_mapping(Node& into) {
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

// `a: b` as an item of a flow sequence, a mapping of one key.
bool Parser::flow_pair(Node& into) {
  into.kind = Kind::mapping;
  into.style = Style::flow;
  const Position start = scanner_.peek()->start;
  into.place = place(start, start);
  return flow_entry(TokenType::flow_sequence_end, into) && merge(into);
}

// A key, its value, or neither; `end` is what closes the collection around it.
bool Parser::flow_entry(TokenType end, Node& mapping) {
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
bool Parser::flow_separator(const FlowStyle& style, Position start, TokenType& type, Position& at) {
  if (!next(type, at)) return false;
  if (type == style.end) return true;
  if (type != TokenType::flow_entry) return fail(style.context, start, style.expected, at);
  scanner_.take();
  return next(type, at);
}

bool Parser::flow_sequence(Node& into) {
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

bool Parser::flow_mapping(Node& into) {
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

bool Parser::add_entry(Node& mapping, Node key, Node value, Position at) {
  if (key.place.line == 0) key.place = place(at, at);
  if (!key.is_scalar()) {
    return fail("", at, "invalid map key: a list or mapping cannot be a key", at);
  }
  if (key.kind != Kind::string) {
    if (out_.bad_keys.size() < duplicate_limit) {
      out_.bad_keys.push_back(BadKey{key.kind == Kind::null ? "<nil>" : key.scalar_text(), {}, key.place});
    }
    if (key.kind == Kind::null) key.text = "null";
  }
  if (const Entry* first = mapping.entry(key.text)) {
    if (out_.duplicates.size() < duplicate_limit) {
      out_.duplicates.push_back(Duplicate{key.text, first->place, key.place});
    }
    return true;
  }
  mapping.entries.push_back(Entry{std::move(key.text), key.place, std::move(value)});
  return true;
}

// Ends every mapping.
bool Parser::merge(Node& mapping) {
  Entry* found = mapping.entry("<<");
  if (!found) return true;
  const Place at = found->place;
  const Node from = std::move(found->value);
  mapping.erase("<<");
  return merge_from(mapping, from, at);
}

bool Parser::merge_from(Node& mapping, const Node& from, Place at) {
  if (from.is_mapping()) {
    for (const Entry& entry : from.entries) {
      if (Entry* own = mapping.entry(entry.key)) {
        if (own->value.directive != Directive::reset) continue;
        // `key: !reset` beside `<<`: what earlier files say is dropped, what is merged here stays.
        own->value = entry.value;
        own->value.directive = Directive::override_;
        own->value.alias_copy = true;
        continue;
      }
      mapping.entries.push_back(entry);
      mapping.entries.back().value.alias_copy = true;
    }
    return true;
  }
  if (from.is_sequence()) {
    for (const Node& item : from.items) {
      if (item.is_sequence() || !item.is_mapping()) break;
      if (!merge_from(mapping, item, at)) return false;
    }
    const bool all = std::ranges::all_of(from.items, [](const Node& item) { return item.is_mapping(); });
    if (all) return true;
  }
  Position position;
  position.line = at.line - 1;
  position.column = at.column - 1;
  return fail("", position, "map merge requires map or sequence of maps as the value", position);
}

}  // namespace

Documents parse(std::string_view text, std::uint32_t source) {
  Documents documents;
  if (text.size() > text_limit) {
    documents.problem = Problem{{}, {}, "the file is larger than 16 MiB", {}};
    return documents;
  }
  documents.problem = find_bad_character(text);
  if (!documents.problem) Parser(text, source, documents).run();
  return documents;
}

}  // namespace consort::compose::yaml

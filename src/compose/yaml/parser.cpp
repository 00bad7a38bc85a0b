#include "compose/yaml/parser.hpp"

#include <algorithm>
#include <utility>

#include "base/strings.hpp"
#include "compose/yaml/encoding.hpp"
#include "compose/yaml/tree_builder.hpp"

namespace consort::compose::yaml {

namespace {

// Every word after a `*`, even in comments and texts: this includes the names of all aliases.
std::unordered_set<std::string_view> words_behind_stars(std::string_view text) {
  std::unordered_set<std::string_view> words;
  for (std::size_t at = text.find('*'); at != std::string_view::npos; at = text.find('*', at + 1)) {
    std::size_t end = at + 1;
    while (end < text.size() && is_anchor_byte(text[end])) ++end;
    words.insert(text.substr(at + 1, end - at - 1));
  }
  return words;
}

// "%YAML 1.1", the only version that Docker Compose accepts.
bool is_version_1_1(std::string_view directive) {
  directive.remove_prefix(std::min(directive.size(), directive.find_first_of(" \t")));
  directive = directive.substr(0, directive.find('#'));
  return trim(directive) == "1.1";
}

}  // namespace

TreeBuilder::TreeBuilder(std::string_view text, std::uint32_t source, Documents& out)
    : scanner_(text),
      source_(source),
      out_(out),
      alias_names_(words_behind_stars(text)),
      limit_(node_limit(text.size())) {}

bool TreeBuilder::document() {
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

bool TreeBuilder::properties(Properties& into) {
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

bool TreeBuilder::alias(Node& into) {
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

// Keeps a copy for aliases. It counts like the copies that aliases make, or anchors inside anchors could turn 200 KB
// into gigabytes; an anchor without an alias costs nothing.
bool TreeBuilder::keep_anchor(const std::string& name, const Node& node, Position at) {
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

// Depth is counted here, because every level of nesting calls this function.
bool TreeBuilder::node(Node& into, Spot spot) {
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

// Leaves `into` unchanged if one of these tokens shows that there is no value.
bool TreeBuilder::node_unless(std::initializer_list<TokenType> ends, Node& into, Spot spot) {
  TokenType type{};
  Position at;
  if (!next(type, at)) return false;
  return std::ranges::find(ends, type) != ends.end() || node(into, spot);
}

bool TreeBuilder::content(Node& into, Spot spot, const Properties& found) {
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

bool TreeBuilder::scalar(Node& into, Token token, const std::string& tag) {
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
  if (token.style == Style::plain && tag.empty()) resolve_plain(into);  // a custom tag makes it a string
  return true;
}

Documents parse(std::string_view text, std::uint32_t source) {
  Documents documents;
  if (text.size() > text_limit) {
    documents.problem = Problem{{}, {}, "the file is larger than 16 MiB", {}};
    return documents;
  }
  documents.problem = find_bad_character(text);
  if (!documents.problem) TreeBuilder(text, source, documents).run();
  return documents;
}

}  // namespace consort::compose::yaml

#include "compose/yaml/scanner.hpp"

#include <unistd.h>

#include <utility>

namespace consort::compose::yaml {

Scanner::Scanner(std::string_view text) : text_(text) {
  if (text_.starts_with("\xEF\xBB\xBF")) at_.offset = 3;
}

std::size_t Scanner::break_length(std::size_t ahead) const {
  const std::size_t i = at_.offset + ahead;
  if (i >= text_.size()) return 0;
  const char c = text_[i];
  if (c == '\n') return 1;
  if (c == '\r') return i + 1 < text_.size() && text_[i + 1] == '\n' ? 2 : 1;
  if (c == '\xC2' && i + 1 < text_.size() && text_[i + 1] == '\x85') return 2;
  if (c == '\xE2' && i + 2 < text_.size() && text_[i + 1] == '\x80' && (text_[i + 2] & '\xFE') == '\xA8') return 3;
  return 0;
}

bool Scanner::is_break_or_end(std::size_t ahead) const {
  return at_.offset + ahead >= text_.size() || is_break(ahead);
}

void Scanner::skip() {
  ++at_.offset;
  while (at_.offset < text_.size() && (text_[at_.offset] & '\xC0') == '\x80') ++at_.offset;
  ++at_.column;
}

void Scanner::skip_line() {
  at_.offset += break_length();
  at_.column = 0;
  ++at_.line;
}

void Scanner::read(std::string& into) {
  const std::size_t begin = at_.offset;
  skip();
  into.append(text_.substr(begin, at_.offset - begin));
}

void Scanner::read_line(std::string& into) {
  const std::size_t length = break_length();
  if (length == 3) {
    into.append(text_.substr(at_.offset, 3));
  } else {
    into.push_back('\n');
  }
  skip_line();
}

bool Scanner::fail(std::string context, Position context_at, std::string problem) {
  if (!problem_) problem_ = Problem{std::move(context), context_at, std::move(problem), at_};
  return false;
}

const Token* Scanner::peek() {
  if (problem_) return nullptr;
  if (!token_available_) {
    if (!fetch_more()) return nullptr;
    token_available_ = true;
  }
  return &tokens_.front();
}

Token Scanner::take() {
  Token token = std::move(tokens_.front());
  tokens_.pop_front();
  ++taken_;
  token_available_ = false;
  return token;
}

// Fetches until it is certain that no key indicator has to come before the next token.
bool Scanner::fetch_more() {
  for (;;) {
    bool need = tokens_.empty();
    if (!need && possible_keys_ > 0) {
      if (!stale_simple_keys()) return false;
      for (const SimpleKey& key : simple_keys_) {
        if (key.possible && key.token_number == taken_) need = true;
      }
    }
    if (!need) return true;
    if (stream_end_made_) return true;
    if (!fetch_next()) return false;
  }
}

bool Scanner::is_document_indicator(char c) const {
  return at_.column == 0 && byte() == c && byte(1) == c && byte(2) == c && is_blank_or_end(3);
}

bool Scanner::starts_plain() const {
  const char c = byte();
  if (c == '-') return !is_blank(1);
  if (c == '?' || c == ':') return flow_level_ == 0 && !is_blank_or_end(1);
  constexpr std::string_view indicators = ",[]{}#&*!|>'\"%@`";
  return !is_blank_or_end() && indicators.find(c) == std::string_view::npos;
}

bool Scanner::fetch_next() {
  if (!skip_to_next_token() || !stale_simple_keys() || !unroll_indent(at_.column)) return false;
  if (at_end()) return fetch_stream_end();
  if (at_.column == 0 && byte() == '%') return fetch_directive();
  if (is_document_indicator('-')) return fetch_document_indicator(TokenType::document_start);
  if (is_document_indicator('.')) return fetch_document_indicator(TokenType::document_end);
  switch (byte()) {
    case '[':
      return fetch_flow_start(TokenType::flow_sequence_start);
    case '{':
      return fetch_flow_start(TokenType::flow_mapping_start);
    case ']':
      return fetch_flow_end(TokenType::flow_sequence_end);
    case '}':
      return fetch_flow_end(TokenType::flow_mapping_end);
    case ',':
      return fetch_flow_entry();
    case '-':
      if (is_blank_or_end(1)) return fetch_block_entry();
      break;
    case '?':
      if (flow_level_ > 0 || is_blank_or_end(1)) return fetch_key();
      break;
    case ':':
      if (flow_level_ > 0 || is_blank_or_end(1)) return fetch_value();
      break;
    case '*':
      return fetch_anchor(TokenType::alias);
    case '&':
      return fetch_anchor(TokenType::anchor);
    case '!':
      return fetch_tag();
    case '|':
      if (flow_level_ == 0) return fetch_block_scalar(Style::literal);
      break;
    case '>':
      if (flow_level_ == 0) return fetch_block_scalar(Style::folded);
      break;
    case '\'':
      return fetch_flow_scalar(Style::single_quoted);
    case '"':
      return fetch_flow_scalar(Style::double_quoted);
    default:
      break;
  }
  if (starts_plain()) return fetch_plain_scalar();
  return fail("while scanning for the next token", at_, "found character that cannot start any token");
}

bool Scanner::skip_to_next_token() {
  for (;;) {
    if (at_.column == 0 && at_.offset > 0 && text_.substr(at_.offset).starts_with("\xEF\xBB\xBF")) at_.offset += 3;
    while (byte() == ' ' || (byte() == '\t' && (flow_level_ > 0 || !simple_key_allowed_))) skip();
    if (byte() == '#') {
      while (!is_break_or_end()) skip();
    }
    if (!is_break()) return true;
    skip_line();
    if (flow_level_ == 0) simple_key_allowed_ = true;
  }
}

// A simple key is one line and at most 1024 characters long.
bool Scanner::stale_simple_keys() {
  if (possible_keys_ == 0) return true;
  for (SimpleKey& key : simple_keys_) {
    if (!key.possible || (key.at.line == at_.line && key.at.offset + 1024 >= at_.offset)) continue;
    if (key.required) return fail("while scanning a simple key", key.at, "could not find expected ':'");
    key.possible = false;
    --possible_keys_;
  }
  return true;
}

bool Scanner::save_simple_key() {
  const bool required = flow_level_ == 0 && indent_ == static_cast<std::int64_t>(at_.column);
  if (!simple_key_allowed_) return true;
  if (!remove_simple_key()) return false;
  simple_keys_.back() = SimpleKey{true, required, taken_ + tokens_.size(), at_};
  ++possible_keys_;
  return true;
}

bool Scanner::remove_simple_key() {
  SimpleKey& key = simple_keys_.back();
  if (!key.possible) return true;
  if (key.required) return fail("while scanning a simple key", key.at, "could not find expected ':'");
  key.possible = false;
  --possible_keys_;
  return true;
}

bool Scanner::roll_indent(std::uint32_t column, std::optional<std::size_t> number, TokenType type, Position at) {
  if (flow_level_ > 0 || indent_ >= static_cast<std::int64_t>(column)) return true;
  indents_.push_back(indent_);
  indent_ = column;
  if (indents_.size() > nesting_limit) return fail("while increasing indentation", at, "exceeded max depth");
  Token token{type, at, at, Style::block, {}};
  if (number) {
    tokens_.insert(tokens_.begin() + static_cast<std::ptrdiff_t>(*number - taken_), std::move(token));
  } else {
    tokens_.push_back(std::move(token));
  }
  return true;
}

bool Scanner::unroll_indent(std::int64_t column) {
  if (flow_level_ > 0) return true;
  while (indent_ > column) {
    tokens_.push_back(Token{TokenType::block_end, at_, at_, Style::block, {}});
    indent_ = indents_.back();
    indents_.pop_back();
  }
  return true;
}

bool Scanner::push(TokenType type, Position start) {
  tokens_.push_back(Token{type, start, at_, Style::plain, {}});
  return true;
}

bool Scanner::fetch_stream_end() {
  if (at_.column != 0) {
    at_.column = 0;
    ++at_.line;
  }
  unroll_indent(-1);
  if (!remove_simple_key()) return false;
  simple_key_allowed_ = false;
  stream_end_made_ = true;
  return push(TokenType::stream_end, at_);
}

bool Scanner::fetch_directive() {
  unroll_indent(-1);
  if (!remove_simple_key()) return false;
  simple_key_allowed_ = false;
  const Position start = at_;
  Token token{TokenType::tag_directive, start, start, Style::plain, {}};
  while (!is_break_or_end()) read(token.text);
  if (token.text.starts_with("%YAML")) token.type = TokenType::version_directive;
  if (!token.text.starts_with("%YAML ") && !token.text.starts_with("%TAG ")) {
    at_ = start;
    return fail("while scanning a directive", start, "found unknown directive name");
  }
  token.end = at_;
  tokens_.push_back(std::move(token));
  return true;
}

bool Scanner::fetch_document_indicator(TokenType type) {
  unroll_indent(-1);
  if (!remove_simple_key()) return false;
  simple_key_allowed_ = false;
  const Position start = at_;
  for (int i = 0; i < 3; ++i) skip();
  return push(type, start);
}

bool Scanner::fetch_flow_start(TokenType type) {
  if (!save_simple_key()) return false;
  simple_keys_.emplace_back();
  if (++flow_level_ > nesting_limit) return fail("while increasing flow level", at_, "exceeded max depth");
  simple_key_allowed_ = true;
  const Position start = at_;
  skip();
  return push(type, start);
}

bool Scanner::fetch_flow_end(TokenType type) {
  if (!remove_simple_key()) return false;
  if (flow_level_ > 0) {
    --flow_level_;
    simple_keys_.pop_back();
  }
  simple_key_allowed_ = false;
  const Position start = at_;
  skip();
  return push(type, start);
}

bool Scanner::fetch_flow_entry() {
  if (!remove_simple_key()) return false;
  simple_key_allowed_ = true;
  const Position start = at_;
  skip();
  return push(TokenType::flow_entry, start);
}

bool Scanner::fetch_block_entry() {
  if (flow_level_ == 0) {
    if (!simple_key_allowed_) return fail("", at_, "block sequence entries are not allowed in this context");
    if (!roll_indent(at_.column, std::nullopt, TokenType::block_sequence_start, at_)) return false;
  }
  if (!remove_simple_key()) return false;
  simple_key_allowed_ = true;
  const Position start = at_;
  skip();
  return push(TokenType::block_entry, start);
}

bool Scanner::fetch_key() {
  if (flow_level_ == 0) {
    if (!simple_key_allowed_) return fail("", at_, "mapping keys are not allowed in this context");
    if (!roll_indent(at_.column, std::nullopt, TokenType::block_mapping_start, at_)) return false;
  }
  if (!remove_simple_key()) return false;
  simple_key_allowed_ = flow_level_ == 0;
  const Position start = at_;
  skip();
  return push(TokenType::key, start);
}

bool Scanner::fetch_value() {
  SimpleKey& key = simple_keys_.back();
  if (key.possible) {
    tokens_.insert(tokens_.begin() + static_cast<std::ptrdiff_t>(key.token_number - taken_),
                   Token{TokenType::key, key.at, key.at, Style::plain, {}});
    if (!roll_indent(key.at.column, key.token_number, TokenType::block_mapping_start, key.at)) return false;
    key.possible = false;
    --possible_keys_;
    simple_key_allowed_ = false;
  } else {
    if (flow_level_ == 0) {
      if (!simple_key_allowed_) return fail("", at_, "mapping values are not allowed in this context");
      if (!roll_indent(at_.column, std::nullopt, TokenType::block_mapping_start, at_)) return false;
    }
    simple_key_allowed_ = flow_level_ == 0;
  }
  const Position start = at_;
  skip();
  return push(TokenType::value, start);
}

bool Scanner::fetch_anchor(TokenType type) {
  if (!save_simple_key()) return false;
  simple_key_allowed_ = false;
  const Position start = at_;
  skip();
  Token token{type, start, start, Style::plain, {}};
  while (is_anchor_byte(byte())) read(token.text);
  constexpr std::string_view followers = "?:,]}%@`";
  if (token.text.empty() || !(is_blank_or_end() || followers.find(byte()) != std::string_view::npos)) {
    const char* context = type == TokenType::alias ? "while scanning an alias" : "while scanning an anchor";
    return fail(context, start, "did not find expected alphabetic or numeric character");
  }
  token.end = at_;
  tokens_.push_back(std::move(token));
  return true;
}

bool Scanner::fetch_tag() {
  if (!save_simple_key()) return false;
  simple_key_allowed_ = false;
  const Position start = at_;
  Token token{TokenType::tag, start, start, Style::plain, {}};
  const bool verbatim = byte(1) == '<';
  while (!is_blank_or_end()) {
    if (flow_level_ > 0 && !verbatim && (byte() == ',' || byte() == ']' || byte() == '}' || byte() == '[')) break;
    read(token.text);
  }
  if (verbatim) {
    if (!token.text.ends_with(">")) return fail("while scanning a tag", start, "did not find the expected '>'");
    token.text = token.text.substr(2, token.text.size() - 3);
  }
  token.end = at_;
  tokens_.push_back(std::move(token));
  return true;
}

bool Scanner::fetch_block_scalar(Style style) {
  if (!remove_simple_key()) return false;
  simple_key_allowed_ = true;
  Token token{TokenType::scalar, at_, at_, style, {}};
  if (!scan_block_scalar(style, token)) return false;
  tokens_.push_back(std::move(token));
  return true;
}

bool Scanner::fetch_flow_scalar(Style style) {
  if (!save_simple_key()) return false;
  simple_key_allowed_ = false;
  Token token{TokenType::scalar, at_, at_, style, {}};
  if (!scan_flow_scalar(style, token)) return false;
  tokens_.push_back(std::move(token));
  return true;
}

bool Scanner::fetch_plain_scalar() {
  if (!save_simple_key()) return false;
  simple_key_allowed_ = false;
  Token token{TokenType::scalar, at_, at_, Style::plain, {}};
  if (!scan_plain_scalar(token)) return false;
  tokens_.push_back(std::move(token));
  return true;
}

}  // namespace consort::compose::yaml

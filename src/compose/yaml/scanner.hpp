// Turns text into tokens. Accepts what the Go YAML library accepts, because that defines what a Compose file is: the
// simple-key rules (one line, at most 1024 characters), tabs, multi-line plain scalars, lenient flow style.
#pragma once

#include <deque>
#include <optional>
#include <string_view>
#include <vector>

#include "compose/yaml/token.hpp"

namespace consort::compose::yaml {

class Scanner {
 public:
  explicit Scanner(std::string_view text);

  // The next token; null after a problem. Valid until take().
  const Token* peek();
  Token take();
  const std::optional<Problem>& problem() const { return problem_; }

 private:
  struct SimpleKey {
    bool possible = false;
    bool required = false;
    std::size_t token_number = 0;
    Position at;
  };

  // Characters.
  char byte(std::size_t ahead = 0) const {
    return at_.offset + ahead < text_.size() ? text_[at_.offset + ahead] : '\0';
  }
  bool at_end() const { return at_.offset >= text_.size(); }
  bool is_blank(std::size_t ahead = 0) const { return byte(ahead) == ' ' || byte(ahead) == '\t'; }
  std::size_t break_length(std::size_t ahead = 0) const;  // 0 if there is no line break
  bool is_break(std::size_t ahead = 0) const { return break_length(ahead) > 0; }
  bool is_break_or_end(std::size_t ahead = 0) const;
  bool is_blank_or_end(std::size_t ahead = 0) const { return is_blank(ahead) || is_break_or_end(ahead); }
  void skip();
  void skip_line();
  void read(std::string& into);
  void read_line(std::string& into);
  bool fail(std::string context, Position context_at, std::string problem);

  // Tokens.
  bool fetch_more();
  bool fetch_next();
  bool skip_to_next_token();
  bool stale_simple_keys();
  bool save_simple_key();
  bool remove_simple_key();
  bool unroll_indent(std::int64_t column);
  bool roll_indent(std::uint32_t column, std::optional<std::size_t> number, TokenType type, Position at);
  bool push(TokenType type, Position start);
  bool fetch_stream_end();
  bool fetch_directive();
  bool fetch_document_indicator(TokenType type);
  bool fetch_flow_start(TokenType type);
  bool fetch_flow_end(TokenType type);
  bool fetch_flow_entry();
  bool fetch_block_entry();
  bool fetch_key();
  bool fetch_value();
  bool fetch_anchor(TokenType type);
  bool fetch_tag();
  bool fetch_block_scalar(Style style);
  bool fetch_flow_scalar(Style style);
  bool fetch_plain_scalar();
  bool starts_plain() const;
  bool is_document_indicator(char c) const;

  // Scalars.
  bool scan_block_scalar(Style style, Token& token);
  bool scan_block_header(int& chomping, int& increment, Position start);
  bool scan_block_breaks(std::int64_t& indent, std::string& breaks, Position start);
  bool scan_flow_scalar(Style style, Token& token);
  bool scan_escape(std::string& into, Position start);
  struct Fold;
  bool scan_blanks(Fold& fold, std::int64_t indent);
  bool scan_plain_scalar(Token& token);
  bool ends_plain() const;

  std::string_view text_;
  Position at_;
  std::deque<Token> tokens_;
  std::size_t taken_ = 0;
  bool token_available_ = false;
  bool stream_end_made_ = false;
  std::int64_t indent_ = -1;
  std::vector<std::int64_t> indents_;
  bool simple_key_allowed_ = true;
  std::size_t possible_keys_ = 0;  // number of possible simple_keys_, so that usually none has to be examined
  std::vector<SimpleKey> simple_keys_{SimpleKey{}};
  std::size_t flow_level_ = 0;
  std::optional<Problem> problem_;
};

// Characters allowed in anchor names.
constexpr bool is_anchor_byte(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '-';
}

inline constexpr std::size_t nesting_limit = 500;  // for flow levels and for indentation levels

}  // namespace consort::compose::yaml

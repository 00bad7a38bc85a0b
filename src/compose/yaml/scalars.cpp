// The scanner's scalars: block, quoted and plain.
#include <algorithm>
#include <utility>

#include "compose/yaml/escapes.hpp"
#include "compose/yaml/scanner.hpp"

namespace consort::compose::yaml {

namespace {

void append_utf8(std::string& into, std::uint32_t value) {
  if (value <= 0x7F) {
    into.push_back(static_cast<char>(value));
  } else if (value <= 0x7FF) {
    into.push_back(static_cast<char>(0xC0 | (value >> 6)));
    into.push_back(static_cast<char>(0x80 | (value & 0x3F)));
  } else if (value <= 0xFFFF) {
    into.push_back(static_cast<char>(0xE0 | (value >> 12)));
    into.push_back(static_cast<char>(0x80 | ((value >> 6) & 0x3F)));
    into.push_back(static_cast<char>(0x80 | (value & 0x3F)));
  } else {
    into.push_back(static_cast<char>(0xF0 | (value >> 18)));
    into.push_back(static_cast<char>(0x80 | ((value >> 12) & 0x3F)));
    into.push_back(static_cast<char>(0x80 | ((value >> 6) & 0x3F)));
    into.push_back(static_cast<char>(0x80 | (value & 0x3F)));
  }
}

int hex_digit(char c) {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

}  // namespace

// Line breaks inside a flow or plain scalar: a single one becomes a space; of several, the first is dropped.
struct Scanner::Fold {
  std::string blanks;           // between words of one line
  std::string leading_break;    // the first break
  std::string trailing_breaks;  // those after it
  bool after_break = false;

  void flush(std::string& into) {
    if (!after_break) {
      into += blanks;
    } else if (leading_break == "\n") {
      into += trailing_breaks.empty() ? std::string(" ") : trailing_breaks;
    } else {
      into += leading_break + trailing_breaks;
    }
    blanks.clear();
    leading_break.clear();
    trailing_breaks.clear();
    after_break = false;
  }
};

bool Scanner::scan_block_header(int& chomping, int& increment, Position start) {
  for (int i = 0; i < 2; ++i) {
    if ((byte() == '+' || byte() == '-') && chomping == 0) {
      chomping = byte() == '+' ? 1 : -1;
      skip();
    } else if (byte() >= '0' && byte() <= '9' && increment == 0) {
      if (byte() == '0') {
        return fail("while scanning a block scalar", start, "found an indentation indicator equal to 0");
      }
      increment = byte() - '0';
      skip();
    }
  }
  while (is_blank()) skip();
  if (byte() == '#') {
    while (!is_break_or_end()) skip();
  }
  if (!is_break_or_end()) {
    return fail("while scanning a block scalar", start, "did not find expected comment or line break");
  }
  if (is_break()) skip_line();
  return true;
}

// Skips indentation and empty lines; determines the indentation if it is not known yet (0).
bool Scanner::scan_block_breaks(std::int64_t& indent, std::string& breaks, Position start) {
  std::int64_t max_indent = 0;
  for (;;) {
    while ((indent == 0 || at_.column < indent) && byte() == ' ') skip();
    if (at_.column > max_indent) max_indent = at_.column;
    if ((indent == 0 || at_.column < indent) && byte() == '\t') {
      return fail("while scanning a block scalar", start,
                  "found a tab character where an indentation space is expected");
    }
    if (!is_break()) break;
    read_line(breaks);
  }
  if (indent == 0) indent = std::max({max_indent, indent_ + 1, std::int64_t{1}});
  return true;
}

bool Scanner::scan_block_scalar(Style style, Token& token) {
  const Position start = at_;
  skip();
  int chomping = 0;
  int increment = 0;
  if (!scan_block_header(chomping, increment, start)) return false;
  Position end = at_;
  std::int64_t indent = increment > 0 ? (indent_ >= 0 ? indent_ + increment : increment) : 0;
  std::string leading_break;
  std::string trailing_breaks;
  if (!scan_block_breaks(indent, trailing_breaks, start)) return false;
  bool leading_blank = false;
  while (at_.column == indent && !at_end()) {
    const bool trailing_blank = is_blank();
    if (style == Style::folded && !leading_blank && !trailing_blank && leading_break == "\n") {
      if (trailing_breaks.empty()) token.text.push_back(' ');
    } else {
      token.text += leading_break;
    }
    leading_break.clear();
    token.text += trailing_breaks;
    trailing_breaks.clear();
    leading_blank = is_blank();
    while (!is_break_or_end()) read(token.text);
    end = at_;
    if (is_break()) read_line(leading_break);
    if (!scan_block_breaks(indent, trailing_breaks, start)) return false;
  }
  if (chomping != -1) token.text += leading_break;
  if (chomping == 1) token.text += trailing_breaks;
  token.end = end;
  return true;
}

bool Scanner::scan_escape(std::string& into, Position start) {
  const char letter = byte(1);
  const auto known = std::ranges::find(escapes, letter, &Escape::letter);
  const int digits = letter == 'x' ? 2 : letter == 'u' ? 4 : letter == 'U' ? 8 : 0;
  if (known == escapes.end() && digits == 0) {
    return fail("while parsing a quoted scalar", start, "found unknown escape character");
  }
  skip();
  skip();
  if (known != escapes.end()) {
    append_utf8(into, known->character);
    return true;
  }
  std::uint32_t value = 0;
  for (int i = 0; i < digits; ++i) {
    const int digit = hex_digit(byte());
    if (digit < 0) return fail("while parsing a quoted scalar", start, "did not find expected hexdecimal number");
    value = value * 16 + static_cast<std::uint32_t>(digit);
    skip();
  }
  if ((value >= 0xD800 && value <= 0xDFFF) || value > 0x10FFFF) {
    return fail("while parsing a quoted scalar", start, "found invalid Unicode character escape code");
  }
  append_utf8(into, value);
  return true;
}

// Spaces and line breaks between two pieces of text. Returns false at a tab where indentation is required: after a line
// break, before column `indent`.
bool Scanner::scan_blanks(Fold& fold, std::int64_t indent) {
  while (is_blank() || is_break()) {
    if (is_break() && fold.after_break) {
      read_line(fold.trailing_breaks);
    } else if (is_break()) {
      fold.blanks.clear();
      read_line(fold.leading_break);
      fold.after_break = true;
    } else if (fold.after_break) {
      if (byte() == '\t' && at_.column < indent) return false;
      skip();
    } else {
      read(fold.blanks);
    }
  }
  return true;
}

bool Scanner::scan_flow_scalar(Style style, Token& token) {
  const Position start = at_;
  const bool single = style == Style::single_quoted;
  const char quote = byte();
  skip();
  for (;;) {
    if (is_document_indicator('-') || is_document_indicator('.')) {
      return fail("while scanning a quoted scalar", start, "found unexpected document indicator");
    }
    if (at_end()) return fail("while scanning a quoted scalar", start, "found unexpected end of stream");
    bool joined = false;  // an escaped line break
    while (!is_blank_or_end()) {
      if (single && byte() == '\'' && byte(1) == '\'') {
        token.text.push_back('\'');
        skip();
        skip();
      } else if (byte() == quote) {
        break;
      } else if (!single && byte() == '\\' && is_break(1)) {
        skip();
        skip_line();
        joined = true;
        break;
      } else if (!single && byte() == '\\') {
        if (!scan_escape(token.text, start)) return false;
      } else {
        read(token.text);
      }
    }
    if (!joined && byte() == quote && !at_end()) break;
    Fold fold;
    fold.after_break = joined;
    scan_blanks(fold, 0);
    fold.flush(token.text);
  }
  skip();
  token.end = at_;
  return true;
}

bool Scanner::ends_plain() const {
  const char c = byte();
  if (c == ':' && is_blank_or_end(1)) return true;
  return flow_level_ > 0 && std::string_view(",?[]{}").find(c) != std::string_view::npos;
}

bool Scanner::scan_plain_scalar(Token& token) {
  const Position start = at_;
  const std::int64_t indent = indent_ + 1;
  Fold fold;
  Position end = at_;
  for (;;) {
    if (is_document_indicator('-') || is_document_indicator('.') || byte() == '#') break;
    if (!is_blank_or_end() && !ends_plain()) {
      fold.flush(token.text);
      while (!is_blank_or_end() && !ends_plain()) read(token.text);
      end = at_;
    }
    if (!(is_blank() || is_break())) break;
    if (!scan_blanks(fold, indent)) {
      return fail("while scanning a plain scalar", start, "found a tab character that violates indentation");
    }
    if (flow_level_ == 0 && static_cast<std::int64_t>(at_.column) < indent) break;
  }
  if (fold.after_break) simple_key_allowed_ = true;
  token.end = end;
  return true;
}

}  // namespace consort::compose::yaml

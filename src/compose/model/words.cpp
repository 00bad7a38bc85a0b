// Values with a grammar of their own: sizes, command lines, the order of keys.
#include <cmath>

#include "base/strings.hpp"
#include "compose/internal/go_format.hpp"
#include "compose/model/codec.hpp"

namespace consort::compose {

SizeResult parse_size(std::string_view text) {
  constexpr std::string_view digits_and_dot = "0123456789. ";
  const std::size_t last = text.find_last_of(digits_and_dot);
  if (last == std::string_view::npos) return {0, "invalid size: '" + std::string(text) + "'"};
  std::string_view number = text.substr(0, text[last] == ' ' ? last : last + 1);
  const std::string_view suffix = text.substr(last + 1);
  const auto value = parse_go_float(number);
  if (!value) return {0, "strconv.ParseFloat: parsing \"" + std::string(number) + "\": invalid syntax"};
  if (*value < 0) return {0, "invalid size: '" + std::string(text) + "'"};
  const std::string unit = to_lower(suffix);
  double scale = 1;
  if (!unit.empty()) {
    const bool known = unit == "b" || (std::string_view("kmgtp").find(unit[0]) != std::string_view::npos &&
                                       (unit.size() == 1 || unit.substr(1) == "b" || unit.substr(1) == "ib"));
    if (!known) return {0, "invalid suffix: '" + std::string(suffix) + "'"};
    if (unit[0] != 'b') {
      scale = std::pow(1024.0, static_cast<double>(std::string_view("kmgtp").find(unit[0]) + 1));
    }
  }
  const double bytes = *value * scale;
  if (!(bytes < 9.2e18)) return {0, "invalid size: '" + std::string(text) + "'"};
  return {static_cast<std::int64_t>(bytes), {}};
}

namespace {
bool is_space(char c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}
}  // namespace

std::optional<Strings> split_command(std::string_view text) {
  Strings words;
  std::string word;
  bool escaped = false;
  bool single = false;
  bool twice = false;
  bool backtick = false;
  bool dollar = false;
  bool got = false;
  const auto finish = [&] {
    if (got) words.push_back(word);
    word.clear();
    got = false;
  };
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (escaped) {
      word.push_back(c);
      escaped = false;
      got = true;
      continue;
    }
    if (c == '\\' && !single) {
      escaped = true;
      continue;
    }
    if (is_space(c)) {
      if (single || twice || backtick || dollar) {
        word.push_back(c);
      } else {
        finish();
      }
      continue;
    }
    switch (c) {
      case '`':
        if (!single && !twice && !dollar) backtick = !backtick;
        break;
      case ')':
        if (!single && !twice && !backtick) {
          if (!dollar) return std::nullopt;
          dollar = false;
        }
        break;
      case '(':
        if (!single && !twice && !backtick) {
          if (dollar || !word.ends_with('$')) return std::nullopt;
          dollar = true;
        }
        break;
      case '"':
        if (!single && !dollar) {
          twice = !twice;
          got = true;
          continue;
        }
        break;
      case '\'':
        if (!twice && !dollar) {
          single = !single;
          got = true;
          continue;
        }
        break;
      case ';':
      case '&':
      case '|':
      case '<':
      case '>':
        if (!(single || twice || backtick || dollar)) {
          if (c == '>' && !word.empty() && word[0] >= '0' && word[0] <= '9') got = false;
          finish();
          return words;
        }
        break;
      default:
        break;
    }
    got = true;
    word.push_back(c);
  }
  finish();
  if (escaped || single || twice || backtick || dollar) return std::nullopt;
  return words;
}

namespace {

struct Cursor {
  std::string_view text;
  std::size_t at = 0;

  bool end() const { return at >= text.size(); }
  // The next code point; invalid bytes count as themselves.
  char32_t next() {
    const auto lead = static_cast<unsigned char>(text[at++]);
    if (lead < 0xC0) return lead;
    int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    char32_t value = lead & (0x3FU >> more);
    while (more-- > 0 && at < text.size() && (text[at] & '\xC0') == '\x80') {
      value = (value << 6) | (static_cast<unsigned char>(text[at++]) & 0x3FU);
    }
    return value;
  }
};

bool is_digit(char32_t c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0xAA;
}

struct Run {
  std::string_view digits;
};

Run digit_run(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && is_digit(static_cast<unsigned char>(text[end]))) ++end;
  return {text.substr(from, end - from)};
}

std::string_view without_zeros(std::string_view digits) {
  const std::size_t first = digits.find_first_not_of('0');
  return first == std::string_view::npos ? std::string_view() : digits.substr(first);
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  Cursor left{a};
  Cursor right{b};
  bool after_digit = false;
  while (!left.end() && !right.end()) {
    const std::size_t left_at = left.at;
    const std::size_t right_at = right.at;
    const char32_t x = left.next();
    const char32_t y = right.next();
    if (x == y) {
      after_digit = is_digit(x);
      continue;
    }
    const bool x_letter = is_letter(x);
    const bool y_letter = is_letter(y);
    if (x_letter && y_letter) return x < y;
    if (x_letter || y_letter) return after_digit ? x_letter : y_letter;
    // The numbers that start here; a leading zero looks back to the digits before it.
    const Run left_run = digit_run(a, left_at);
    const Run right_run = digit_run(b, right_at);
    if (!left_run.digits.empty() || !right_run.digits.empty()) {
      const std::string_view p = without_zeros(left_run.digits);
      const std::string_view q = without_zeros(right_run.digits);
      if (p.size() != q.size()) return p.size() < q.size();
      if (p != q) return p < q;
      if (left_run.digits.size() != right_run.digits.size()) return left_run.digits.size() < right_run.digits.size();
    }
    return x < y;
  }
  return left.end() && !right.end();
}

}  // namespace consort::compose

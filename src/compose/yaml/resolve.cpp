#include <array>
#include <cctype>
#include <limits>

#include "compose/internal/go_format.hpp"
#include "compose/yaml/parser.hpp"

namespace consort::compose::yaml {

namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}

struct Word {
  std::string_view text;
  Kind kind;
  double value;
};
constexpr double infinity = std::numeric_limits<double>::infinity();
constexpr std::array<Word, 23> words{{
    {"", Kind::null, 0},
    {"~", Kind::null, 0},
    {"null", Kind::null, 0},
    {"Null", Kind::null, 0},
    {"NULL", Kind::null, 0},
    {"true", Kind::boolean, 1},
    {"True", Kind::boolean, 1},
    {"TRUE", Kind::boolean, 1},
    {"false", Kind::boolean, 0},
    {"False", Kind::boolean, 0},
    {"FALSE", Kind::boolean, 0},
    {".nan", Kind::floating, std::numeric_limits<double>::quiet_NaN()},
    {".NaN", Kind::floating, std::numeric_limits<double>::quiet_NaN()},
    {".NAN", Kind::floating, std::numeric_limits<double>::quiet_NaN()},
    {".inf", Kind::floating, infinity},
    {".Inf", Kind::floating, infinity},
    {".INF", Kind::floating, infinity},
    {"+.inf", Kind::floating, infinity},
    {"+.Inf", Kind::floating, infinity},
    {"-.inf", Kind::floating, -infinity},
    {"-.Inf", Kind::floating, -infinity},
    {"+.INF", Kind::floating, infinity},
    {"-.INF", Kind::floating, -infinity},
}};

// [-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?
bool looks_like_float(std::string_view text) {
  std::size_t i = 0;
  const auto digits = [&] {
    const std::size_t begin = i;
    while (i < text.size() && is_digit(text[i])) ++i;
    return i - begin;
  };
  if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (digits() == 0) return false;
  } else {
    if (digits() == 0) return false;
    if (i < text.size() && text[i] == '.') {
      ++i;
      digits();
    }
  }
  if (i < text.size() && (text[i] == 'e' || text[i] == 'E')) {
    ++i;
    if (i < text.size() && (text[i] == '-' || text[i] == '+')) ++i;
    if (digits() == 0) return false;
  }
  return i == text.size();
}

int days_of(int month, int year) {
  if (month == 2) return (year % 4 == 0 && year % 100 != 0) || year % 400 == 0 ? 29 : 28;
  return month == 4 || month == 6 || month == 9 || month == 11 ? 30 : 31;
}

// yyyy-m-d, optionally followed by a time.
bool looks_like_timestamp(std::string_view text) {
  std::size_t i = 0;
  const auto number = [&](std::size_t least, std::size_t most) {
    const std::size_t begin = i;
    while (i < text.size() && is_digit(text[i]) && i - begin < most) ++i;
    const std::size_t count = i - begin;
    int value = 0;
    for (std::size_t k = begin; k < i; ++k) value = value * 10 + (text[k] - '0');
    return count >= least ? value : -1;
  };
  const auto expect = [&](char c) { return i < text.size() && text[i] == c && ++i > 0; };
  const int year = number(4, 4);
  if (year < 0 || !expect('-')) return false;
  const int month = number(1, 2);
  if (month < 1 || month > 12 || !expect('-')) return false;
  const int day = number(1, 2);
  if (day < 1 || day > days_of(month, year)) return false;
  if (i == text.size()) return true;
  const bool blank = text[i] == ' ';
  if (!blank && text[i] != 'T' && text[i] != 't') return false;
  ++i;
  const int hour = number(1, 2);
  if (hour < 0 || hour > 23 || !expect(':')) return false;
  const int minute = number(1, 2);
  if (minute < 0 || minute > 59 || !expect(':')) return false;
  const int second = number(1, 2);
  if (second < 0 || second > 59) return false;
  if (i < text.size() && text[i] == '.') {
    ++i;
    if (number(1, 9) < 0) return false;
  }
  if (blank) return i == text.size();
  if (expect('Z')) return i == text.size();
  if (i >= text.size() || (text[i] != '+' && text[i] != '-')) return false;
  ++i;
  return number(2, 2) >= 0 && expect(':') && number(2, 2) >= 0 && i == text.size();
}

void set_float(Node& node, double value) {
  node.kind = Kind::floating;
  node.floating = value;
}

bool resolve_number(Node& node) {
  const std::string_view text = node.text;
  const char first = text[0];
  if (first == '.') {
    if (const auto value = parse_go_float(text); value && looks_like_float(text)) {
      set_float(node, *value);
      return true;
    }
    return false;
  }
  if (looks_like_timestamp(text)) {
    node.kind = Kind::timestamp;
    return true;
  }
  std::string plain;
  for (const char c : text) {
    if (c != '_') plain.push_back(c);
  }
  if (const auto value = parse_go_int(plain)) {
    node.kind = Kind::integer;
    node.integer = *value;
    node.floating = static_cast<double>(*value);
    return true;
  }
  if (looks_like_float(plain)) {
    if (const auto value = parse_go_float(plain)) {
      set_float(node, *value);
      return true;
    }
  }
  return false;
}

}  // namespace

void resolve_plain(Node& node) {
  node.kind = Kind::string;
  const std::string_view text = node.text;
  const char first = text.empty() ? '\0' : text[0];
  if (first == '\0' || std::string_view("~nNtTfF.+-").find(first) != std::string_view::npos) {
    for (const Word& word : words) {
      if (word.text != text) continue;
      node.kind = word.kind;
      node.boolean = word.kind == Kind::boolean && word.value != 0;
      if (word.kind == Kind::floating) node.floating = word.value;
      return;
    }
  }
  if (is_digit(first) || first == '+' || first == '-' || first == '.') resolve_number(node);
}

bool resolves_to_string(std::string_view text) {
  Node probe;
  probe.text = std::string(text);
  resolve_plain(probe);
  return probe.kind == Kind::string;
}

}  // namespace consort::compose::yaml

#include "build/dockerfile/wildcard.hpp"

#include <cstdint>

namespace consort::build {
namespace {

std::size_t code_point_length(std::string_view text) {
  std::size_t length = 1;
  while (length < text.size() && length < 4 && (static_cast<unsigned char>(text[length]) & 0xC0) == 0x80) ++length;
  return length;
}

// A match must not end within a code point.
bool is_boundary(std::string_view text, std::size_t at) {
  return at >= text.size() || (static_cast<unsigned char>(text[at]) & 0xC0) != 0x80;
}

}  // namespace

Result<ShellPattern> ShellPattern::parse(std::string_view text) {
  ShellPattern pattern;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '*') {
      if (pattern.tokens_.empty() || pattern.tokens_.back().kind != Token::Kind::many)
        pattern.tokens_.push_back({Token::Kind::many, {}});
    } else if (c == '?') {
      pattern.tokens_.push_back({Token::Kind::any, {}});
    } else if (c == '\\' && i + 1 < text.size() && (text[i + 1] == '}' || text[i + 1] == '/')) {
      continue;  // the escape belonged to the surrounding ${...}
    } else if (c == '\\') {
      if (i + 1 >= text.size()) return fail(Error(Code::invalid).why("invalid escape '\\'"));
      const char next = text[++i];
      if (next != '*' && next != '?' && next != '\\')
        return fail(Error(Code::invalid).why("invalid escape '\\" + std::string(1, next) + "'"));
      pattern.tokens_.push_back({Token::Kind::character, std::string(1, next)});
    } else {
      pattern.tokens_.push_back({Token::Kind::character, std::string(1, c)});
    }
  }
  return pattern;
}

// The usual two-pointer match with one backtracking point: linear in practice, quadratic at worst.
bool ShellPattern::matches(std::string_view text) const {
  std::size_t t = 0;
  std::size_t p = 0;
  std::size_t star = tokens_.size();
  std::size_t star_text = 0;
  while (t < text.size() || p < tokens_.size()) {
    if (p < tokens_.size()) {
      const Token& token = tokens_[p];
      if (token.kind == Token::Kind::many) {
        star = p++;
        star_text = t;
        continue;
      }
      if (t < text.size()) {
        const auto rest = text.substr(t);
        if (token.kind == Token::Kind::any) {
          t += code_point_length(rest);
          ++p;
          continue;
        }
        if (rest.starts_with(token.bytes)) {
          t += token.bytes.size();
          ++p;
          continue;
        }
      }
    }
    if (star == tokens_.size() || star_text >= text.size()) return false;
    t = ++star_text;
    p = star + 1;
  }
  return true;
}

std::optional<std::size_t> ShellPattern::prefix(std::string_view text, Extent extent) const {
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const std::size_t length = extent == Extent::shortest ? i : text.size() - i;
    if (!is_boundary(text, length)) continue;
    if (matches(text.substr(0, length))) return length;
  }
  return std::nullopt;
}

std::optional<std::size_t> ShellPattern::suffix(std::string_view text, Extent extent) const {
  for (std::size_t i = 0; i <= text.size(); ++i) {
    const std::size_t length = extent == Extent::shortest ? i : text.size() - i;
    if (!is_boundary(text, text.size() - length)) continue;
    if (matches(text.substr(text.size() - length))) return length;
  }
  return std::nullopt;
}

namespace {

struct ClassMatch {
  bool matched = false;
  std::size_t length = 0;  // of the class within the pattern
};

// pattern begins after '['. nullopt: malformed.
std::optional<ClassMatch> match_class(std::string_view pattern, char c) {
  std::size_t i = 0;
  const bool negated = i < pattern.size() && pattern[i] == '^';
  if (negated) ++i;
  bool found = false;
  bool first = true;
  const auto take = [&]() -> std::optional<char> {
    if (i >= pattern.size() || pattern[i] == '-' || pattern[i] == ']') return std::nullopt;
    if (pattern[i] == '\\' && ++i >= pattern.size()) return std::nullopt;
    return pattern[i++];
  };
  while (true) {
    if (i >= pattern.size()) return std::nullopt;
    if (pattern[i] == ']' && !first) break;
    first = false;
    const auto low = take();
    if (!low) return std::nullopt;
    auto high = low;
    if (i < pattern.size() && pattern[i] == '-') {
      ++i;
      high = take();
      if (!high) return std::nullopt;
    }
    if (*low <= c && c <= *high) found = true;
  }
  return ClassMatch{found != negated, i + 1};
}

}  // namespace

std::optional<bool> path_match(std::string_view pattern, std::string_view name) {
  std::size_t p = 0;
  std::size_t n = 0;
  std::size_t star = std::string_view::npos;
  std::size_t star_name = 0;
  while (true) {
    bool step = false;
    if (p < pattern.size()) {
      const char c = pattern[p];
      if (c == '*') {
        star = p++;
        star_name = n;
        continue;
      }
      if (c == '[') {
        const auto matched = match_class(pattern.substr(p + 1), n < name.size() ? name[n] : '\0');
        if (!matched) return std::nullopt;
        if (n < name.size() && name[n] != '/' && matched->matched) {
          p += 1 + matched->length;
          ++n;
          step = true;
        }
      } else if (c == '?') {
        if (n < name.size() && name[n] != '/') {
          ++p;
          n += code_point_length(name.substr(n));
          step = true;
        }
      } else {
        std::size_t length = 1;
        char wanted = c;
        if (c == '\\') {
          if (p + 1 >= pattern.size()) return std::nullopt;
          wanted = pattern[p + 1];
          length = 2;
        }
        if (n < name.size() && name[n] == wanted) {
          p += length;
          ++n;
          step = true;
        }
      }
    } else if (n >= name.size()) {
      return true;
    }
    if (step) continue;
    if (star == std::string_view::npos || star_name >= name.size() || name[star_name] == '/') return false;
    n = ++star_name;
    p = star + 1;
  }
}

bool has_wildcards(std::string_view name) {
  for (std::size_t i = 0; i < name.size(); ++i) {
    if (name[i] == '\\') {
      ++i;
    } else if (name[i] == '*' || name[i] == '?' || name[i] == '[') {
      return true;
    }
  }
  return false;
}

}  // namespace consort::build

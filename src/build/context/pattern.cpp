#include "build/context/pattern.hpp"

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "build/dockerfile/wildcard.hpp"

namespace consort::build {
namespace {

// In an ignore file "/x" is "x"; in --exclude it matches nothing, because paths do not begin with a slash.
std::string without_slash(std::string path) {
  if (path.size() > 1 && path.starts_with('/')) path.erase(0, 1);
  return path;
}

}  // namespace

Result<PathPattern> PathPattern::parse(std::string_view text) {
  PathPattern pattern;
  std::string_view body = trim(text);
  if (body.starts_with('!')) {
    pattern.negated_ = true;
    body = trim(body.substr(1));
    if (body.empty()) return fail(Error(Code::invalid).why("illegal exclusion pattern: \"!\""));
  }
  pattern.text_ = clean_path(body);
  const std::string& p = pattern.text_;
  for (std::size_t i = 0; i < p.size(); ++i) {
    const char c = p[i];
    if (c == '*') {
      pattern.literal_ = false;
      if (i + 1 < p.size() && p[i + 1] == '*') {
        ++i;
        if (i + 1 < p.size() && p[i + 1] == '/') ++i;
        pattern.tokens_.push_back({i + 1 >= p.size() ? Token::Kind::rest : Token::Kind::deep, 0, {}});
      } else {
        pattern.tokens_.push_back({Token::Kind::many, 0, {}});
      }
    } else if (c == '?') {
      pattern.literal_ = false;
      pattern.tokens_.push_back({Token::Kind::any, 0, {}});
    } else if (c == '[') {
      pattern.literal_ = false;
      auto end = p.find(']', i + 2);
      if (end == std::string::npos || !path_match(p.substr(i, end - i + 1), "x"))
        return fail(Error(Code::invalid).why("syntax error in pattern: " + std::string(text)));
      pattern.tokens_.push_back({Token::Kind::set, 0, p.substr(i, end - i + 1)});
      i = end;
    } else {
      if (c == '\\') {
        pattern.literal_ = false;
        if (++i >= p.size()) return fail(Error(Code::invalid).why("syntax error in pattern: " + std::string(text)));
      }
      pattern.tokens_.push_back({Token::Kind::character, p[i], {}});
    }
  }
  return pattern;
}

bool PathPattern::matches(std::string_view path) const {
  return literal_ ? path == text_ : matches_tokens(path);
}

// Tracks all positions in the pattern at once, so the time is bounded by pattern length times path length. "inside"
// marks a '**/' that has begun to match characters and needs a '/' before the pattern continues.
bool PathPattern::matches_tokens(std::string_view path) const {
  const std::size_t n = tokens_.size();
  std::vector<char> at(n + 1), inside(n + 1), next(n + 1), next_inside(n + 1);
  const auto settle = [&](std::vector<char>& states) {  // transitions that consume no character
    for (std::size_t i = 0; i < n; ++i) {
      const auto kind = tokens_[i].kind;
      if (states[i] && (kind == Token::Kind::many || kind == Token::Kind::deep || kind == Token::Kind::rest))
        states[i + 1] = 1;
    }
  };
  at[0] = 1;
  settle(at);
  for (const char c : path) {
    std::fill(next.begin(), next.end(), 0);
    std::fill(next_inside.begin(), next_inside.end(), 0);
    for (std::size_t i = 0; i < n; ++i) {
      const Token& token = tokens_[i];
      if (token.kind == Token::Kind::deep && (at[i] || inside[i])) {
        next_inside[i] = 1;
        if (c == '/') next[i + 1] = 1;
      }
      if (!at[i]) continue;
      switch (token.kind) {
        case Token::Kind::character:
          if (c == token.c) next[i + 1] = 1;
          break;
        case Token::Kind::any:
          if (c != '/') next[i + 1] = 1;
          break;
        case Token::Kind::many:
          if (c != '/') next[i] = 1;
          break;
        case Token::Kind::rest:
          next[i] = 1;
          break;
        case Token::Kind::set:
          if (c != '/' && path_match(token.set, std::string_view(&c, 1)).value_or(false)) next[i + 1] = 1;
          break;
        case Token::Kind::deep:
          break;
      }
    }
    settle(next);
    at.swap(next);
    inside.swap(next_inside);
  }
  return at[n] != 0;
}

bool PathPattern::may_match_below(std::string_view directory) const {
  // Conservative: the fixed beginning of the pattern and the directory must not contradict each other.
  std::string fixed;
  for (const auto& token : tokens_) {
    if (token.kind != Token::Kind::character) break;
    fixed += token.c;
  }
  const std::string below = std::string(directory) + "/";
  const std::size_t length = std::min(fixed.size(), below.size());
  return below.compare(0, length, fixed, 0, length) == 0 &&
         (fixed.size() > below.size() || fixed.size() < tokens_.size());
}

Result<PatternList> PatternList::parse(const std::vector<std::string>& patterns) {
  PatternList list;
  for (const auto& text : patterns) {
    if (trim(text).empty()) continue;
    list.patterns_.push_back(TRY(PathPattern::parse(text)));
    list.has_negated_ = list.has_negated_ || list.patterns_.back().negated();
  }
  return list;
}

bool PatternList::matches(std::string_view path, State& state) const {
  bool matched = false;
  for (std::size_t i = 0; i < patterns_.size(); ++i) {
    if (!state[i]) state[i] = patterns_[i].matches(path);
    if (state[i]) matched = !patterns_[i].negated();
  }
  return matched;
}

bool PatternList::matches(std::string_view path) const {
  State state = root();
  bool matched = false;
  for (std::size_t end = path.find('/');; end = path.find('/', end + 1)) {
    matched = matches(path.substr(0, end), state);
    if (end == std::string_view::npos) return matched;
  }
}

bool PatternList::may_take_back_below(std::string_view directory) const {
  for (const auto& pattern : patterns_) {
    if (pattern.negated() && pattern.may_match_below(directory)) return true;
  }
  return false;
}

std::vector<std::string> parse_ignore_file(std::string_view text) {
  std::vector<std::string> patterns;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  for (const auto& line : split(text, '\n')) {
    if (line.starts_with('#')) continue;
    std::string_view pattern = trim(line);
    if (pattern.empty()) continue;
    const bool negated = pattern.starts_with('!');
    if (negated) pattern = trim(pattern.substr(1));
    const std::string cleaned = pattern.empty() ? "" : without_slash(clean_path(pattern));
    patterns.push_back((negated ? "!" : "") + cleaned);
  }
  return patterns;
}

}  // namespace consort::build

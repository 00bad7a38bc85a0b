// The patterns of ignore files and of COPY --exclude: '*' and '?' within a name, '**' across directories, '[a-z]'; '!'
// negates, and the last match decides. A pattern also matches everything below a path that it matches.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::build {

class PathPattern {
 public:
  static Result<PathPattern> parse(std::string_view text);
  bool matches(std::string_view path) const;
  bool negated() const { return negated_; }
  const std::string& text() const { return text_; }  // normalized, without '!'
  // Could it match anything below this directory?
  bool may_match_below(std::string_view directory) const;

 private:
  struct Token {
    enum class Kind : std::uint8_t { character, any, many, deep, rest, set } kind;
    char c = 0;
    std::string set;  // of '[...]', including the brackets
  };
  bool matches_tokens(std::string_view path) const;
  std::string text_;
  bool negated_ = false;
  bool literal_ = true;
  std::vector<Token> tokens_;
};

class PatternList {
 public:
  PatternList() = default;
  static Result<PatternList> parse(const std::vector<std::string>& patterns);
  bool empty() const { return patterns_.empty(); }
  bool has_negated() const { return has_negated_; }

  // For directory walks: records which patterns matched the parent, so that its parents need not be checked again.
  using State = std::vector<bool>;
  State root() const { return State(patterns_.size()); }
  // state: the parent's on entry, the path's own on return.
  bool matches(std::string_view path, State& state) const;
  bool matches(std::string_view path) const;  // checks the parents itself
  bool may_take_back_below(std::string_view directory) const;

 private:
  std::vector<PathPattern> patterns_;
  bool has_negated_ = false;
};

// The lines of an ignore file, without comments, blank lines and surrounding spaces; paths are normalized.
std::vector<std::string> parse_ignore_file(std::string_view text);

}  // namespace consort::build

// The two small pattern languages of Dockerfiles: the shell's * and ? in ${x#pattern}, and Go's path.Match in COPY.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::build {

// * matches any bytes, ? one code point, \* \? \\ the character itself. Nothing else is special.
class ShellPattern {
 public:
  // Code::invalid if any other character is escaped.
  static Result<ShellPattern> parse(std::string_view text);

  enum class Extent : std::uint8_t { shortest, longest };
  // The length of the match at the start (prefix) or end (suffix) of the text.
  std::optional<std::size_t> prefix(std::string_view text, Extent extent) const;
  std::optional<std::size_t> suffix(std::string_view text, Extent extent) const;

 private:
  struct Token {
    enum class Kind : std::uint8_t { character, any, many } kind;
    std::string bytes;
  };
  bool matches(std::string_view text) const;
  std::vector<Token> tokens_;
};

// Go's path.Match: * and ? do not match '/', [a-z] and [^a-z], \ escapes. nullopt: malformed pattern.
std::optional<bool> path_match(std::string_view pattern, std::string_view name);
bool has_wildcards(std::string_view name);

}  // namespace consort::build

// Expands variables and quotes in a word, with the syntax of Dockerfiles: $x, ${x}, ${x:-word}, ${x:+word}, ${x:?word}
// and the same without the colon, ${x#pattern}, ${x##pattern}, ${x%pattern}, ${x%%pattern}, ${x/pattern/new},
// ${x//pattern/new}; 'literal', "quoted", and the escape character.
#pragma once

#include <functional>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::build {

using Lookup = std::function<std::optional<std::string>(std::string_view name)>;

enum class Quotes : std::uint8_t {
  remove,   // as a shell does
  keep,     // interpreted, but kept in the result
  ordinary  // ordinary characters: the content of here-documents
};
enum class Escapes : std::uint8_t { remove, keep };
enum class Unset : std::uint8_t { empty, keep };  // keep: $x stays "$x" if x is not set

struct ExpandOptions {
  char escape = '\\';
  Quotes quotes = Quotes::remove;
  Escapes escapes = Escapes::remove;
  Unset unset = Unset::empty;
};

struct Expansion {
  std::string text;
  std::vector<std::string> words;  // split at white space outside quotes, after expansion
  std::set<std::string> used;      // names that were set
  std::set<std::string> missing;   // names that were not
};

// Errors are Code::invalid in BuildKit's words: failed to process "${x": syntax error: missing '}'.
Result<Expansion> expand(std::string_view word, const Lookup& lookup, const ExpandOptions& options = {});

inline constexpr std::size_t max_expansion_bytes = std::size_t{4} << 20;
inline constexpr int max_expansion_depth = 100;

}  // namespace consort::build

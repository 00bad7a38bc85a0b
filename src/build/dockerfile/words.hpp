// Splits the rest of an instruction's line: at white space, into flags, into key=value words, or as a JSON array.
// Offsets are byte offsets in the logical line.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::build {

struct Piece {
  std::string text;
  std::size_t begin = 0;
  std::size_t end = 0;
};

// The "--name=value" words at the start of line.substr(begin). rest: offset of the first argument.
struct FlagWords {
  std::vector<Piece> flags;
  std::size_t rest = 0;
};
FlagWords split_flags(std::string_view line, std::size_t begin);

std::vector<Piece> split_at_space(std::string_view line, std::size_t begin);

// Words in ENV, LABEL and ARG: quotes and escapes protect spaces and stay in the text.
std::vector<Piece> split_words(std::string_view line, std::size_t begin, char escape);

enum class JsonList : std::uint8_t { none, strings, others };  // others: an array, but not only of strings
// Parses line.substr(begin) as a JSON array of strings.
JsonList parse_json_list(std::string_view line, std::size_t begin, std::vector<Piece>& out);

}  // namespace consort::build

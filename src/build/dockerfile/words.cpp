#include "build/dockerfile/words.hpp"

#include "base/json.hpp"
#include "build/dockerfile/lines.hpp"

namespace consort::build {

FlagWords split_flags(std::string_view line, std::size_t begin) {
  FlagWords result;
  std::size_t pos = begin;
  while (true) {
    while (pos < line.size() && is_space(line[pos])) ++pos;
    result.rest = pos;
    if (!line.substr(pos).starts_with("--")) return result;
    Piece word{.text = {}, .begin = pos, .end = pos};
    char quote = 0;
    for (; pos < line.size(); ++pos) {
      char c = line[pos];
      if (quote == 0 && is_space(c)) break;
      if (c == quote) {
        quote = 0;
      } else if (quote == 0 && (c == '\'' || c == '"')) {
        quote = c;
      } else {
        if (c == '\\') {
          if (pos + 1 == line.size()) continue;
          c = line[++pos];
        }
        word.text += c;
      }
    }
    word.end = pos;
    if (word.text == "--") {
      while (pos < line.size() && is_space(line[pos])) ++pos;
      result.rest = pos;
      return result;
    }
    result.flags.push_back(std::move(word));
    result.rest = pos;
  }
}

std::vector<Piece> split_at_space(std::string_view line, std::size_t begin) {
  std::vector<Piece> words;
  std::size_t pos = begin;
  while (true) {
    while (pos < line.size() && is_space(line[pos])) ++pos;
    if (pos >= line.size()) return words;
    const std::size_t start = pos;
    while (pos < line.size() && !is_space(line[pos])) ++pos;
    words.push_back({std::string(line.substr(start, pos - start)), start, pos});
  }
}

std::vector<Piece> split_words(std::string_view line, std::size_t begin, char escape) {
  std::vector<Piece> words;
  std::size_t pos = begin;
  while (true) {
    while (pos < line.size() && is_space(line[pos])) ++pos;
    if (pos >= line.size()) return words;
    Piece word{.text = {}, .begin = pos, .end = pos};
    char quote = 0;
    for (; pos < line.size(); ++pos) {
      const char c = line[pos];
      if (quote == 0 && is_space(c)) break;
      if (c == escape && quote != '\'') {
        if (pos + 1 == line.size()) continue;  // an escape at the very end has no effect
        word.text += c;
        word.text += line[++pos];
        continue;
      }
      if (c == quote) {
        quote = 0;
      } else if (quote == 0 && (c == '\'' || c == '"')) {
        quote = c;
      }
      word.text += c;
    }
    word.end = pos;
    words.push_back(std::move(word));
  }
}

JsonList parse_json_list(std::string_view line, std::size_t begin, std::vector<Piece>& out) {
  while (begin < line.size() && is_space(line[begin])) ++begin;
  if (begin >= line.size() || line[begin] != '[') return JsonList::none;
  const auto value = parse_json(line.substr(begin), "arguments");
  if (!value || !value->is_array()) return JsonList::none;
  for (const auto& element : *value) {
    if (!element.is_string()) return JsonList::others;
  }
  // The array is valid and flat, so every string token is an element: find them again for their positions.
  std::size_t pos = begin + 1;
  for (const auto& element : *value) {
    while (line[pos] != '"') ++pos;
    const std::size_t start = pos++;
    while (line[pos] != '"') pos += line[pos] == '\\' ? 2 : 1;
    out.push_back({element.get<std::string>(), start, ++pos});
  }
  return JsonList::strings;
}

}  // namespace consort::build

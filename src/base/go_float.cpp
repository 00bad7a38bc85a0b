#include "base/go_float.hpp"

#include <charconv>
#include <string>

namespace consort {

namespace {

// Removes underscores, which may only stand singly between digits.
std::optional<std::string> without_underscores(std::string_view text) {
  const auto digit = [text](std::size_t at) { return at < text.size() && text[at] >= '0' && text[at] <= '9'; };
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '_') {
      plain.push_back(text[i]);
    } else if (i == 0 || !digit(i - 1) || !digit(i + 1)) {
      return std::nullopt;
    }
  }
  return plain;
}

}  // namespace

std::optional<double> parse_go_float(std::string_view text) {
  if (!text.empty() && text[0] == '+') {
    text.remove_prefix(1);
    if (!text.empty() && (text[0] == '-' || text[0] == '+')) return std::nullopt;
  }
  if (text.empty()) return std::nullopt;
  if (text.find('_') != std::string_view::npos) {
    const auto plain = without_underscores(text);
    return plain ? parse_go_float(*plain) : std::nullopt;
  }
  double value = 0;
  const auto result = std::from_chars(text.data(), text.data() + text.size(), value);
  if (result.ec != std::errc() || result.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

}  // namespace consort

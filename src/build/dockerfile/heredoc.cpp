#include "build/dockerfile/heredoc.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "build/dockerfile/expand.hpp"

namespace consort::build {
namespace {

Result<std::vector<std::string>> shell_words(std::string_view text, Quotes quotes, Escapes escapes) {
  const auto nothing = [](std::string_view) -> std::optional<std::string> { return std::nullopt; };
  auto result = TRY(expand(text, nothing, {.quotes = quotes, .escapes = escapes, .unset = Unset::keep}));
  return std::move(result.words);
}

}  // namespace

std::optional<Heredoc> parse_heredoc(std::string_view word) {
  Heredoc result;
  std::size_t digits = 0;
  while (digits < word.size() && word[digits] >= '0' && word[digits] <= '9') ++digits;
  if (!word.substr(digits).starts_with("<<") || digits > 9) return std::nullopt;
  result.descriptor = static_cast<unsigned>(parse_unsigned(word.substr(0, digits)).value_or(0));
  word.remove_prefix(digits + 2);
  if (word.starts_with('-')) {
    result.tabs = HeredocTabs::strip;
    word.remove_prefix(1);
  }
  if (word.empty() || word.contains('<')) return std::nullopt;
  // Any quoting means literal: compare with and without quote removal.
  const auto bare = shell_words(word, Quotes::remove, Escapes::remove);
  const auto raw = shell_words(word, Quotes::keep, Escapes::keep);
  if (!bare || bare->size() != 1 || !raw || raw->size() != 1) return std::nullopt;
  result.name = bare->front();
  result.expansion = bare->front() == raw->front() ? HeredocExpansion::expand : HeredocExpansion::literal;
  return result;
}

Result<std::vector<Heredoc>> find_heredocs(std::string_view line) {
  std::vector<Heredoc> found;
  const auto words = TRY(shell_words(line, Quotes::keep, Escapes::keep));
  for (std::size_t i = 0; i < words.size(); ++i) {
    std::string word = words[i];
    // `<< EOT`: shells accept a space there, and so does BuildKit since 0.22.
    const std::string_view sign =
        std::string_view(word).substr(std::min(word.find_first_not_of("0123456789"), word.size()));
    if ((sign == "<<" || sign == "<<-") && i + 1 < words.size()) word += words[++i];
    if (auto heredoc = parse_heredoc(word)) found.push_back(std::move(*heredoc));
  }
  return found;
}

std::string strip_leading_tabs(std::string_view content) {
  std::string result;
  bool line_start = true;
  for (const char c : content) {
    if (line_start && c == '\t') continue;
    line_start = c == '\n';
    result += c;
  }
  return result;
}

}  // namespace consort::build

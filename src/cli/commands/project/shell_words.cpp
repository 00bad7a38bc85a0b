#include "cli/commands/project/shell_words.hpp"

namespace consort::cli {

std::vector<std::string> shell_words(std::string_view text) {
  std::vector<std::string> words;
  std::string word;
  bool any = false;
  char quote = 0;
  for (std::size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (quote ? c == quote : (c == '\'' || c == '"')) {
      quote = quote ? '\0' : c;
      any = true;
    } else if (c == '\\' && quote != '\'' && i + 1 < text.size()) {
      word += text[++i];
      any = true;
    } else if (!quote && (c == ' ' || c == '\t' || c == '\n')) {
      if (any) words.push_back(std::move(word));
      word.clear();
      any = false;
    } else {
      word += c;
      any = true;
    }
  }
  if (any) words.push_back(std::move(word));
  return words;
}

}  // namespace consort::cli

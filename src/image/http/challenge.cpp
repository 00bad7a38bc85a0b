#include "image/http/challenge.hpp"

#include "base/strings.hpp"

namespace consort::image {

namespace {

bool is_token(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
         std::string_view("!#$%&'*+-.^_`|~/").find(c) != std::string_view::npos;
}

class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text) {}

  bool at_end() const { return at_ >= text_.size(); }
  void skip(std::string_view characters) {
    while (!at_end() && characters.find(text_[at_]) != std::string_view::npos) ++at_;
  }
  bool take(char c) {
    if (at_end() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void advance() { ++at_; }
  std::string token() {
    const std::size_t start = at_;
    while (!at_end() && is_token(text_[at_])) ++at_;
    return std::string(text_.substr(start, at_ - start));
  }
  std::string value() {
    if (!take('"')) return token();
    std::string text;
    while (!at_end() && text_[at_] != '"') {
      if (text_[at_] == '\\' && at_ + 1 < text_.size()) ++at_;
      text += text_[at_++];
    }
    take('"');
    return text;
  }

 private:
  std::string_view text_;
  std::size_t at_ = 0;
};

}  // namespace

std::vector<Challenge> parse_challenges(std::string_view header) {
  std::vector<Challenge> challenges;
  Scanner scanner(header);
  for (;;) {
    scanner.skip(" \t,");
    if (scanner.at_end()) return challenges;
    const std::string word = scanner.token();
    if (word.empty()) {
      scanner.advance();
      continue;
    }
    scanner.skip(" \t");
    if (scanner.take('=')) {  // a parameter of the previous challenge
      scanner.skip(" \t");
      std::string value = scanner.value();
      if (!challenges.empty()) challenges.back().parameters[to_lower(word)] = std::move(value);
    } else {
      challenges.push_back({to_lower(word), {}});
    }
  }
}

std::string next_link(std::string_view header) {
  while (!header.empty()) {
    const std::size_t open = header.find('<');
    const std::size_t close = header.find('>', open);
    if (open == std::string_view::npos || close == std::string_view::npos) return {};
    const std::size_t end = std::min(header.find('<', close), header.size());
    const std::string parameters = to_lower(header.substr(close, end - close));
    if (parameters.contains("rel=\"next\"") || parameters.contains("rel=next"))
      return std::string(header.substr(open + 1, close - open - 1));
    header.remove_prefix(end);
  }
  return {};
}

}  // namespace consort::image

// Values with a grammar of their own: command lines, the order of keys.
#include "base/strings.hpp"
#include "compose/model/codec.hpp"

namespace consort::compose {

namespace {

// Splits command lines as a shell would, by the rules of the Go library that Docker Compose uses: command substitutions
// stay in one piece, and a list or redirection ends the line.
class CommandSplitter {
 public:
  std::optional<Strings> run(std::string_view text) {
    for (const char c : text) {
      const Step step = take(c);
      if (step == Step::end) return std::move(words_);
      if (step == Step::bad) return std::nullopt;
    }
    finish();
    if (escaped_ || inside()) return std::nullopt;
    return std::move(words_);
  }

 private:
  enum class Step : std::uint8_t { go_on, end, bad };

  Step take(char c) {
    if (escaped_) {
      escaped_ = false;
    } else if (c == '\\' && !single_) {
      escaped_ = true;
      return Step::go_on;
    } else if (std::string_view(" \t\r\n").contains(c)) {
      inside() ? word_.push_back(c) : finish();
      return Step::go_on;
    } else if (std::string_view(";&|<>").contains(c) && !inside()) {
      if (c == '>' && !word_.empty() && word_[0] >= '0' && word_[0] <= '9') started_ = false;  // 2> is not a word
      finish();
      return Step::end;
    } else if (quote(c)) {
      started_ = true;
      return Step::go_on;
    } else if (!substitution(c)) {
      return Step::bad;
    }
    started_ = true;
    word_.push_back(c);
    return Step::go_on;
  }

  bool quote(char c) {
    const bool is_double = c == '"' && !single_ && !dollar_;
    const bool is_single = c == '\'' && !double_ && !dollar_;
    double_ ^= is_double;
    single_ ^= is_single;
    return is_double || is_single;
  }

  // `...` and $(...). Returns false for an unmatched bracket.
  bool substitution(char c) {
    if (single_ || double_) return true;
    if (c == '`' && !dollar_) backtick_ = !backtick_;
    if ((c != '(' && c != ')') || backtick_) return true;
    const bool opens = c == '(';
    if (opens == dollar_ || (opens && !word_.ends_with('$'))) return false;
    dollar_ = opens;
    return true;
  }

  bool inside() const { return single_ || double_ || backtick_ || dollar_; }

  void finish() {
    if (started_) words_.push_back(word_);
    word_.clear();
    started_ = false;
  }

  Strings words_;
  std::string word_;
  bool started_ = false;  // "" is a word, too
  bool escaped_ = false, single_ = false, double_ = false, backtick_ = false, dollar_ = false;
};

}  // namespace

std::optional<Strings> split_command(std::string_view text) {
  return CommandSplitter().run(text);
}

namespace {

struct Cursor {
  std::string_view text;
  std::size_t at = 0;

  bool end() const { return at >= text.size(); }
  // The next code point; an invalid byte is returned as it is.
  char32_t next() {
    const auto lead = static_cast<unsigned char>(text[at++]);
    if (lead < 0xC0) return lead;
    int more = lead >= 0xF0 ? 3 : lead >= 0xE0 ? 2 : 1;
    char32_t value = lead & (0x3FU >> more);
    while (more-- > 0 && at < text.size() && (text[at] & '\xC0') == '\x80') {
      value = (value << 6) | (static_cast<unsigned char>(text[at++]) & 0x3FU);
    }
    return value;
  }
};

bool is_digit(char32_t c) {
  return c >= '0' && c <= '9';
}
bool is_letter(char32_t c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c >= 0xAA;
}

struct Run {
  std::string_view digits;
};

Run digit_run(std::string_view text, std::size_t from) {
  std::size_t end = from;
  while (end < text.size() && is_digit(static_cast<unsigned char>(text[end]))) ++end;
  return {text.substr(from, end - from)};
}

std::string_view without_zeros(std::string_view digits) {
  const std::size_t first = digits.find_first_not_of('0');
  return first == std::string_view::npos ? std::string_view() : digits.substr(first);
}

}  // namespace

bool natural_less(std::string_view a, std::string_view b) {
  Cursor left{a};
  Cursor right{b};
  bool after_digit = false;
  while (!left.end() && !right.end()) {
    const std::size_t left_at = left.at;
    const std::size_t right_at = right.at;
    const char32_t x = left.next();
    const char32_t y = right.next();
    if (x == y) {
      after_digit = is_digit(x);
      continue;
    }
    const bool x_letter = is_letter(x);
    const bool y_letter = is_letter(y);
    if (x_letter && y_letter) return x < y;
    if (x_letter || y_letter) return after_digit ? x_letter : y_letter;
    // The numbers that start here; if one has a leading zero, the digits before it are included.
    const Run left_run = digit_run(a, left_at);
    const Run right_run = digit_run(b, right_at);
    if (!left_run.digits.empty() || !right_run.digits.empty()) {
      const std::string_view p = without_zeros(left_run.digits);
      const std::string_view q = without_zeros(right_run.digits);
      if (p.size() != q.size()) return p.size() < q.size();
      if (p != q) return p < q;
      if (left_run.digits.size() != right_run.digits.size()) return left_run.digits.size() < right_run.digits.size();
    }
    return x < y;
  }
  return left.end() && !right.end();
}

}  // namespace consort::compose

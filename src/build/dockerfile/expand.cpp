#include "build/dockerfile/expand.hpp"

#include "build/dockerfile/lines.hpp"
#include "build/dockerfile/wildcard.hpp"

namespace consort::build {
namespace {

std::unexpected<Error> syntax(std::string why) {
  return fail(Error(Code::invalid).why(std::move(why)));
}

class WordList {
 public:
  void add_plain(char c) {
    if (!is_space(c)) {
      word_ += c;
    } else if (!word_.empty()) {
      words_.push_back(std::move(word_));
      word_.clear();
    }
  }
  void add_plain(std::string_view text) {
    for (const char c : text) add_plain(c);
  }
  void add_quoted(std::string_view text) { word_ += text; }
  std::vector<std::string> take() {
    if (!word_.empty()) words_.push_back(std::move(word_));
    word_.clear();
    return std::move(words_);
  }

 private:
  std::string word_;
  std::vector<std::string> words_;
};

class Expander {
 public:
  Expander(std::string_view text, const Lookup& lookup, const ExpandOptions& options, Expansion& out)
      : text_(text), lookup_(lookup), options_(options), keep_escapes_(options.escapes == Escapes::keep), out_(out) {}

  Result<> run() {
    WordList words;
    out_.text = TRY(until(std::nullopt, keep_escapes_, &words));
    out_.words = words.take();
    return {};
  }

 private:
  bool at_end() const { return pos_ >= text_.size(); }
  char peek() const { return text_[pos_]; }

  Result<> grow(std::string& result, std::string_view piece) {
    if (result.size() + piece.size() > max_expansion_bytes) return syntax("expansion is too long");
    result += piece;
    return {};
  }

  Result<std::string> until(std::optional<char> stop, bool keep_escapes, WordList* words) {
    if (++depth_ > max_expansion_depth) return syntax("substitutions are nested too deeply");
    const bool outer = std::exchange(keep_escapes_, keep_escapes);
    std::string result;
    while (!at_end()) {
      const char c = peek();
      if (stop && c == *stop) {
        ++pos_;
        --depth_;
        keep_escapes_ = outer;
        return result;
      }
      if (c == '$') {
        const std::string value = TRY(dollar());
        TRY(grow(result, value));
        if (words) words->add_plain(value);
      } else if (options_.quotes != Quotes::ordinary && (c == '\'' || c == '"')) {
        const std::string value = TRY(c == '"' ? double_quoted() : single_quoted());
        TRY(grow(result, value));
        if (words) words->add_quoted(value);
      } else {
        plain(result, words);
      }
    }
    if (stop) return syntax("unexpected end of statement while looking for matching " + std::string(1, *stop));
    --depth_;
    keep_escapes_ = outer;
    return result;
  }

  void plain(std::string& result, WordList* words) {
    char c = text_[pos_++];
    if (c != options_.escape) {
      if (words) words->add_plain(c);
      result += c;
      return;
    }
    if (keep_escapes_) {
      if (words) words->add_quoted(std::string_view(&c, 1));
      result += c;
    }
    if (at_end()) return;
    c = text_[pos_++];
    if (words) words->add_quoted(std::string_view(&c, 1));
    result += c;
  }

  Result<std::string> single_quoted() {
    const auto end = text_.find('\'', pos_ + 1);
    if (end == std::string_view::npos)
      return syntax("unexpected end of statement while looking for matching single-quote");
    const bool keep = options_.quotes == Quotes::keep;
    const std::string result(text_.substr(keep ? pos_ : pos_ + 1, end - pos_ - (keep ? 0 : 1) + (keep ? 1 : 0)));
    pos_ = end + 1;
    return result;
  }

  Result<std::string> double_quoted() {
    ++pos_;
    const bool keep = options_.quotes == Quotes::keep;
    std::string result(keep ? "\"" : "");
    while (!at_end()) {
      char c = peek();
      if (c == '"') {
        ++pos_;
        if (keep) result += '"';
        return result;
      }
      if (c == '$') {
        const std::string value = TRY(dollar());
        TRY(grow(result, value));
        continue;
      }
      ++pos_;
      if (c == options_.escape) {
        if (keep_escapes_) result += c;
        if (at_end()) continue;
        if (peek() == '"' || peek() == '$' || peek() == options_.escape) c = text_[pos_++];
      }
      result += c;
    }
    return syntax("unexpected end of statement while looking for matching double-quote");
  }

  std::string name() {
    const std::size_t start = pos_;
    const auto digit = [](char c) { return c >= '0' && c <= '9'; };
    if (!at_end() && digit(peek())) {
      while (!at_end() && digit(peek())) ++pos_;
    } else if (!at_end() && std::string_view("@*#?-$!").contains(peek())) {
      ++pos_;
    } else {
      const auto letter = [&](char c) {
        return c == '_' || digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c & 0x80) != 0;
      };
      while (!at_end() && letter(peek())) ++pos_;
    }
    return std::string(text_.substr(start, pos_ - start));
  }

  std::optional<std::string> look_up(const std::string& variable) {
    auto value = lookup_(variable);
    (value ? out_.used : out_.missing).insert(variable);
    return value;
  }

  Result<std::string> dollar() {
    ++pos_;
    if (at_end() || peek() != '{') {
      const std::string variable = name();
      if (variable.empty()) return std::string("$");
      auto value = look_up(variable);
      if (!value && options_.unset == Unset::keep) return "$" + variable;
      return std::move(value).value_or("");
    }
    ++pos_;
    if (at_end()) return syntax("syntax error: missing '}'");
    if (peek() == '{' || peek() == '}' || peek() == ':') return syntax("syntax error: bad substitution");
    const std::string variable = name();
    if (at_end()) return syntax("syntax error: missing '}'");
    const char c = text_[pos_++];
    switch (c) {
      case '}': {
        auto value = look_up(variable);
        if (!value && options_.unset == Unset::keep) return "${" + variable + "}";
        return std::move(value).value_or("");
      }
      case '/':
        return replace(variable);
      case ':': {
        if (at_end()) return syntax("syntax error: missing '}'");
        const char next = text_[pos_++];
        if (!std::string_view("+-?").contains(next))
          return syntax("unsupported modifier (:" + std::string(1, next) + ") in substitution");
        return modified(variable, next, NullIs::unset);
      }
      case '+':
      case '-':
      case '?':
      case '#':
      case '%':
        return modified(variable, c, NullIs::set);
      default:
        return syntax("unsupported modifier (" + std::string(1, c) + ") in substitution");
    }
  }

  enum class NullIs : std::uint8_t { set, unset };

  Result<std::string> operand(char stop, bool keep_escapes, const char* missing) {
    auto word = until(stop, keep_escapes, nullptr);
    if (!word && at_end()) return syntax(missing);
    return word;
  }

  Result<std::string> modified(const std::string& variable, char modifier, NullIs null_is) {
    const bool pattern = modifier == '#' || modifier == '%';
    std::string word = TRY(operand('}', pattern, "syntax error: missing '}'"));
    const auto value = look_up(variable);
    if (!value && options_.unset == Unset::keep)
      return "${" + variable + (null_is == NullIs::unset ? ":" : "") + modifier + word + "}";
    const bool absent = !value || (null_is == NullIs::unset && value->empty());
    switch (modifier) {
      case '-':
        return absent ? word : *value;
      case '+':
        return absent ? std::string() : word;
      case '?':
        if (!absent) return *value;
        if (word.empty()) word = value ? "is not allowed to be empty" : "is not allowed to be unset";
        return syntax(variable + ": " + word);
      default:
        return trim(value.value_or(""), std::move(word), modifier);
    }
  }

  static Result<std::string> trim(const std::string& value, std::string word, char modifier) {
    auto extent = ShellPattern::Extent::shortest;
    if (word.starts_with(modifier)) {
      extent = ShellPattern::Extent::longest;
      word.erase(0, 1);
    }
    const auto pattern = parse_pattern(word);
    if (!pattern) return std::unexpected(Error(Code::invalid).why(pattern.error().message()));
    if (modifier == '#') {
      const auto length = pattern->prefix(value, extent);
      return length ? value.substr(*length) : value;
    }
    const auto length = pattern->suffix(value, extent);
    return length ? value.substr(0, value.size() - *length) : value;
  }

  static Result<ShellPattern> parse_pattern(const std::string& text) {
    auto pattern = ShellPattern::parse(text);
    if (!pattern) return syntax("invalid pattern (" + text + ") in substitution: " + pattern.error().message());
    return pattern;
  }

  Result<std::string> replace(const std::string& variable) {
    const bool all = !at_end() && peek() == '/';
    if (all) ++pos_;
    const std::string pattern_text = TRY(operand('/', true, "syntax error: missing '/' in ${}"));
    const std::string replacement = TRY(operand('}', true, "syntax error: missing '}'"));
    const auto value = look_up(variable);
    if (!value && options_.unset == Unset::keep) return "${" + variable + "/" + pattern_text + "/" + replacement + "}";
    const ShellPattern pattern = TRY(parse_pattern(pattern_text));
    const std::string source = value.value_or("");
    std::string result;
    std::size_t pos = 0;
    while (pos <= source.size()) {
      const auto length = pattern.prefix(std::string_view(source).substr(pos), ShellPattern::Extent::longest);
      if (length) {
        TRY(grow(result, replacement));
        pos += *length;
        if (!all) break;
        if (*length > 0 && pos < source.size()) continue;
        if (*length > 0) break;
      }
      if (pos < source.size()) result += source[pos];
      ++pos;
    }
    if (pos < source.size()) result += source.substr(pos);
    return result;
  }

  std::string_view text_;
  const Lookup& lookup_;
  const ExpandOptions& options_;
  bool keep_escapes_;
  Expansion& out_;
  std::size_t pos_ = 0;
  int depth_ = 0;
};

}  // namespace

Result<Expansion> expand(std::string_view word, const Lookup& lookup, const ExpandOptions& options) {
  Expansion out;
  auto done = Expander(word, lookup, options, out).run();
  if (!done) {
    std::string quoted = "\"";
    for (const char c : word) quoted += c == '"' || c == '\\' ? std::string("\\") + c : std::string(1, c);
    return fail(Error(Code::invalid).why("failed to process " + quoted + "\": " + done.error().message()));
  }
  return out;
}

}  // namespace consort::build

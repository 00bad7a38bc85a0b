#include "compose/dotenv.hpp"

#include <unordered_map>

#include "base/strings.hpp"

namespace consort::compose {

namespace {

bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\v' || c == '\f' || c == '\r';
}
bool is_key_byte(char c) {
  const auto u = static_cast<unsigned char>(c);
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '.' ||
         c == '-' || c == '[' || c == ']' || u >= 0x80;
}

// Not called `quoted`: with a std::string the compiler would pick std::quoted if <iomanip> happens to be included.
std::string in_quotes(std::string_view text) {
  std::string out = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') out.push_back('\\');
    if (c == '\n') {
      out += "\\n";
    } else {
      out.push_back(c);
    }
  }
  return out + "\"";
}

// \0 and up to three octal digits, starting at the "0"; moves to the last one.
std::string octal(std::string_view text, std::size_t& i) {
  int value = 0;
  int digits = 0;
  while (digits < 3 && i + 1 < text.size() && text[i + 1] >= '0' && text[i + 1] <= '7') {
    value = value * 8 + (text[++i] - '0');
    ++digits;
  }
  return digits == 0 ? "\\0" : std::string(1, static_cast<char>(value));
}

std::string unescape(std::string_view text) {
  constexpr std::string_view letters = "nrtfbav\\\"";
  constexpr std::string_view characters = "\n\r\t\f\b\a\v\\\"";
  std::string out;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] != '\\' || i + 1 >= text.size()) {
      out.push_back(text[i]);
      continue;
    }
    const char c = text[++i];
    if (const std::size_t known = letters.find(c); known != std::string_view::npos) {
      out.push_back(characters[known]);
    } else if (c == '$') {
      out += "$$";  // becomes a single "$" in the interpolation that follows
    } else if (c == '0') {
      out += octal(text, i);
    } else {
      out.push_back('\\');
      out.push_back(c);
    }
  }
  return out;
}

constexpr std::size_t values_limit = std::size_t{16} << 20;  // bytes, in addition to the file's own size

class Reader {
 public:
  Reader(std::string_view text, const Lookup& first, const Lookup& fallback)
      : text_(text), first_(first), fallback_(fallback) {
    if (text_.starts_with("\xEF\xBB\xBF")) at_ = 3;
  }

  DotenvResult run() {
    while (skip_to_statement()) {
      if (!statement()) break;
    }
    return std::move(result_);
  }

 private:
  char peek(std::size_t ahead = 0) const { return at_ + ahead < text_.size() ? text_[at_ + ahead] : '\0'; }
  bool at_end() const { return at_ >= text_.size(); }
  void advance() {
    if (text_[at_] == '\n') ++line_;
    ++at_;
  }
  bool fail(std::string message, std::uint32_t line) {
    result_.error = std::move(message);
    result_.error_line = line;
    return false;
  }

  bool skip_to_statement() {
    for (;;) {
      while (!at_end() && (is_blank(peek()) || peek() == '\n')) advance();
      if (at_end()) return false;
      if (peek() != '#') return true;
      while (!at_end() && peek() != '\n') advance();
    }
  }

  std::string_view rest_of_line() const { return text_.substr(at_, text_.find('\n', at_) - at_); }

  bool statement() {
    if (text_.substr(at_).starts_with("export") && is_blank(peek(6))) {
      at_ += 6;
      while (is_blank(peek())) advance();
    }
    const std::size_t begin = at_;
    const std::uint32_t line = line_;
    while (!at_end() && is_key_byte(peek())) ++at_;
    std::string key(text_.substr(begin, at_ - begin));
    bool blank = false;
    while (!at_end() && is_blank(peek())) {
      blank = true;
      advance();
    }
    if (peek() == '=' || peek() == ':') {
      advance();
      return value(std::move(key), line);
    }
    if (at_end() || peek() == '\n') return inherited(std::move(key), line);
    if (peek() == '#' && blank) {
      while (!at_end() && peek() != '\n') advance();
      return inherited(std::move(key), line);
    }
    const std::string_view whole = text_.substr(begin, text_.find('\n', begin) - begin);
    if (blank) return fail("line " + std::to_string(line) + ": key cannot contain a space", line);
    return fail("line " + std::to_string(line) + ": unexpected character " + in_quotes(std::string(1, peek())) +
                    " in variable name " + in_quotes(std::string(trim(whole))),
                line);
  }

  bool inherited(std::string key, std::uint32_t line) {
    if (at_end() && !text_.empty() && text_.back() != '\n') {
      // A quirk that some files depend on by accident: a last line without a value and without a newline.
      result_.variables.push_back(DotenvVariable{"", std::move(key), line});
      return true;
    }
    if (const std::string* value = look_up(key)) {
      result_.variables.push_back(DotenvVariable{std::move(key), *value, line});
    } else {
      result_.variables.push_back(DotenvVariable{std::move(key), std::nullopt, line});
    }
    return true;
  }

  const std::string* look_up(std::string_view name) {
    if (const std::string* value = first_(name)) return value;
    // Entries read since the last look-up; the last entry for a name wins.
    for (; indexed_ < result_.variables.size(); ++indexed_) {
      const DotenvVariable& each = result_.variables[indexed_];
      if (each.value) by_name_[each.name] = indexed_;
    }
    if (const auto own = by_name_.find(std::string(name)); own != by_name_.end()) {
      if (const auto& value = result_.variables[own->second].value) return &*value;
    }
    return fallback_ ? fallback_(name) : nullptr;
  }

  bool value(std::string key, std::uint32_t line) {
    while (!at_end() && is_blank(peek())) advance();
    const char quote = peek();
    std::string text;
    bool interpolate = true;
    if (quote == '"' || quote == '\'') {
      if (!quoted_value(quote, text)) return false;
      interpolate = quote == '"';
    } else {
      text = unquoted_value(key);
    }
    if (interpolate) {
      TemplateResult expanded = substitute(text, [this](std::string_view name) { return look_up(name); });
      if (expanded.fault == TemplateFault::invalid) return fail("Invalid template: " + in_quotes(text), line);
      if (expanded.fault == TemplateFault::required) return fail(expanded.fault_text, line);
      made_ += expanded.text.size();
      if (expanded.fault == TemplateFault::too_long || made_ > text_.size() + values_limit) {
        return fail("line " + std::to_string(line) + ": variables expand the values of this file too far", line);
      }
      for (std::string& name : expanded.unset) result_.unset.push_back(std::move(name));
      text = std::move(expanded.text);
    }
    result_.variables.push_back(DotenvVariable{std::move(key), std::move(text), line});
    return true;
  }

  bool quoted_value(char quote, std::string& text) {
    const std::uint32_t line = line_;
    const std::size_t begin = at_;
    advance();
    std::string raw;
    while (!at_end()) {
      const char c = peek();
      if (c == quote) {
        advance();
        text = quote == '"' ? unescape(raw) : raw;
        return true;
      }
      if (c == '\\' && peek(1) == quote && quote == '\'') {
        advance();
      } else if (c == '\\' && peek(1) != '\0' && quote == '"') {
        raw.push_back(c);
        advance();
      }
      raw.push_back(peek());
      advance();
    }
    const std::string_view first = text_.substr(begin, text_.find('\n', begin) - begin);
    return fail("line " + std::to_string(line) + ": unterminated quoted value " + std::string(first), line);
  }

  std::string unquoted_value(const std::string& key) {
    const std::string_view line = rest_of_line();
    // As in Docker Compose: a comment begins with " #"; a tab or `=` before the "#" does not count.
    std::string value(trim(line.substr(0, line.find(" #"))));
    const bool starts = !line.empty() && line[0] == '#' && at_ > 0 && is_blank(text_[at_ - 1]);
    if (starts || value.find("\t#") != std::string::npos) {
      result_.warnings.push_back("line " + std::to_string(line_) + ": `" + key + "` is " + in_quotes(value) +
                                 ", since " +
                                 (starts ? "a comment cannot replace a value: write " + key + "=\"\" # ..."
                                         : "a comment needs a space before its `#`, not a tab"));
    }
    at_ += line.size();
    return value;
  }

  std::string_view text_;
  const Lookup& first_;
  const Lookup& fallback_;
  std::size_t at_ = 0;
  std::uint32_t line_ = 1;
  DotenvResult result_;
  std::unordered_map<std::string, std::size_t> by_name_;  // indices of variables, for the first `indexed_`
  std::size_t indexed_ = 0;
  std::size_t made_ = 0;  // bytes of all values
};

}  // namespace

DotenvResult parse_dotenv(std::string_view text, const Lookup& first, const Lookup& fallback) {
  return Reader(text, first, fallback).run();
}

DotenvResult parse_raw_env(std::string_view text, const Lookup& lookup) {
  DotenvResult result;
  std::uint32_t number = 0;
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  while (!text.empty()) {
    ++number;
    const std::size_t end = text.find('\n');
    std::string_view line = text.substr(0, end);
    text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    while (!line.empty() && (is_blank(line[0]))) line.remove_prefix(1);
    if (line.empty() || line[0] == '#') continue;
    const std::size_t equals = line.find('=');
    const std::string_view key = line.substr(0, equals);
    if (key.find_first_of(" \t") != std::string_view::npos) {
      result.error = "variable '" + std::string(key) + "' contains whitespaces";
      result.error_line = number;
      return result;
    }
    if (key.empty()) {
      result.error = "no variable name on line '" + std::string(line) + "'";
      result.error_line = number;
      return result;
    }
    if (equals != std::string_view::npos) {
      result.variables.push_back(DotenvVariable{std::string(key), std::string(line.substr(equals + 1)), number});
    } else if (const std::string* value = lookup(key)) {
      result.variables.push_back(DotenvVariable{std::string(key), *value, number});
    }
  }
  return result;
}

}  // namespace consort::compose

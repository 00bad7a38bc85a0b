#include "units/unit_text.hpp"

#include <algorithm>

#include "base/strings.hpp"

namespace consort::units {

namespace {

constexpr std::size_t longest_line = 100;
constexpr std::string_view continuation = " \\\n ";

bool is_control(char c) {
  return static_cast<unsigned char>(c) < 0x20 || c == 0x7f;
}

std::string hex_escape(char c) {
  constexpr std::string_view digits = "0123456789abcdef";
  const auto value = static_cast<unsigned char>(c);
  return {'\\', 'x', digits[value >> 4U], digits[value & 15U]};
}

}  // namespace

std::string text_value(std::string_view text) {
  std::string made = replace_all(std::string(text), "%", "%%");
  std::ranges::replace_if(made, is_control, ' ');
  return made;
}

std::string command_value(std::string_view text) {
  return replace_all(replace_all(std::string(text), "%", "%%"), "$", "$$");
}

bool is_plain(std::string_view text) {
  return !text.empty() && trim(text) == text && !text.ends_with('\\') && std::ranges::none_of(text, is_control);
}

std::string command_word(std::string_view word) {
  // systemd treats a continued line that begins with "#" or ";" as a comment.
  const bool comments = word.starts_with('#') || word.starts_with(';');
  const bool bare = is_plain(word) && word.find_first_of(" \"'\\") == std::string_view::npos && !comments;
  if (bare) return command_value(word);
  std::string made = "\"";
  for (const char c : word) {
    if (c == '"' || c == '\\') made += '\\';
    if (c == '\n') {
      made += "\\n";
    } else if (is_control(c)) {
      made += hex_escape(c);
    } else {
      made += c;
    }
  }
  return command_value(made + "\"");
}

std::string command_lines(const std::vector<std::string>& quoted_words) {
  std::string made;
  std::size_t line = 0;
  for (const std::string& word : quoted_words) {
    const bool breaks = line > 0 && line + word.size() > longest_line;
    if (breaks) {
      made += std::string(continuation) + "  ";
      line = 0;
    }
    if (!made.empty()) made += ' ';
    made += word;
    line += word.size() + 1;
  }
  return made;
}

UnitText::UnitText(std::string_view comment) : text_("# " + text_value(comment) + "\n") {}

void UnitText::set(std::string_view key, std::string_view value) {
  text_ += std::string(key) + "=";
  while (value.ends_with('\\')) value.remove_suffix(1);
  for (std::size_t i = 0; i < value.size(); ++i) {
    if (value.substr(i).starts_with(continuation)) {
      text_ += continuation;
      i += continuation.size() - 1;
    } else {
      text_ += is_control(value[i]) ? ' ' : value[i];
    }
  }
  text_ += '\n';
}

}  // namespace consort::units

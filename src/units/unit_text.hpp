// The text of a unit. Values may contain anything that a Compose file can; what systemd would interpret (quotes,
// backslashes, %h, $NAME) is escaped so that it stays as it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace consort::units {

// For keys with a plain text: doubles "%".
std::string text_value(std::string_view text);
// The same for parts of a command, in which "$" is interpreted too.
std::string command_value(std::string_view text);
// One word of a command, quoted if necessary.
std::string command_word(std::string_view word);
// Whether a text can follow "Key=" without quotes.
bool is_plain(std::string_view text);

// Continues long command lines on further lines.
std::string command_lines(const std::vector<std::string>& quoted_words);

class UnitText {
 public:
  explicit UnitText(std::string_view comment);
  void section(std::string_view name) { text_ += "\n[" + std::string(name) + "]\n"; }
  // The value cannot end before its line does or extend into the next one: control characters become spaces, except
  // those from command_lines(), and trailing backslashes are removed. Names that this would change are refused earlier.
  void set(std::string_view key, std::string_view value);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace consort::units

// The text of a unit. Values may hold anything that a Compose file can say: what systemd would read in them (quotes,
// backslashes, %h, $NAME) is written so that it stays as it is.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace consort::units {

// For keys that take a text as it is: "%" doubled.
std::string text_value(std::string_view text);
// The same for what becomes part of a command, in which "$" is read, too.
std::string command_value(std::string_view text);
// One word of a command: quoted where it has to be.
std::string command_word(std::string_view word);
// Whether a text can stand behind "Key=" without quotes.
bool is_plain(std::string_view text);

// Command lines of more than some words are continued on further lines.
std::string command_lines(const std::vector<std::string>& quoted_words);

class UnitText {
 public:
  explicit UnitText(std::string_view comment);
  void section(std::string_view name) { text_ += "\n[" + std::string(name) + "]\n"; }
  // The value cannot end before the line does, nor reach into the next one: control characters become spaces, except
  // for what command_lines() has made; backslashes at the end go. Names that this would change are refused before.
  void set(std::string_view key, std::string_view value);
  const std::string& text() const { return text_; }

 private:
  std::string text_;
};

}  // namespace consort::units

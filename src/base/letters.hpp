// Reads foreign text character by character: decodes UTF-8 as a terminal does and escapes what would control the
// terminal.
#pragma once

#include <string>
#include <string_view>

namespace consort {

struct Letter {
  std::string_view bytes;
  char32_t point = 0;
  bool valid = false;  // false: invalid UTF-8, always a single byte
};

// text must not be empty.
Letter first_letter(std::string_view text);

// Control characters (including tab, newline and those outside ASCII) and marks that change the writing direction.
bool steers_terminal(const Letter& letter);

// Characters that control a terminal become visible as "\x1b", invalid UTF-8 as "\xff". Tabs are kept.
std::string sanitized(std::string_view text);
// The same, but newlines are kept as well.
std::string sanitized_text(std::string_view text);
// One line of JSON with the same value: characters that control a terminal become "\u009b".
std::string sanitized_json(std::string_view json);

}  // namespace consort

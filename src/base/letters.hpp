// Foreign text, letter by letter: UTF-8 as a terminal reads it, and what of it would steer the terminal.
#pragma once

#include <string>
#include <string_view>

namespace consort {

struct Letter {
  std::string_view bytes;
  char32_t point = 0;
  bool valid = false;  // no UTF-8 otherwise: one byte that stands alone
};

// Of a text that is not empty.
Letter first_letter(std::string_view text);

// Control characters, also those beyond ASCII, and marks that turn the direction of writing. Tab and newline too.
bool steers_terminal(const Letter& letter);

// What steers a terminal becomes visible as "\x1b", what is no UTF-8 as "\xff". Tabs stay.
std::string sanitized(std::string_view text);
// The same; newlines stay as well.
std::string sanitized_text(std::string_view text);
// JSON on one line, of the same value: what steers becomes "\u009b".
std::string sanitized_json(std::string_view json);

}  // namespace consort

// The last lines of a program's output, for a display with room for only a few: as they look after carriage returns and
// backspaces, without colours and other terminal control sequences. The input is untrusted.
#pragma once

#include <cstdint>
#include <deque>
#include <string>
#include <string_view>
#include <vector>

namespace consort::cli {

class LastLines {
 public:
  explicit LastLines(std::size_t most) : most_(most) {}

  void add(std::string_view bytes);
  bool empty() const { return lines_.empty() && line_.empty(); }

  // The last `most` rows, with lines wrapped to `cells` cells.
  std::vector<std::string> rows(std::size_t most, std::size_t cells) const;

 private:
  // Escape sequences (ECMA-48) are removed completely: ESC [ ... letter, ESC ] ... BEL or ESC \, ESC and one more
  // character.
  enum class State : std::uint8_t { text, escape, escape_more, control, string, string_escape };
  void add(char c);
  void add_text(char c);
  void end_line();

  std::size_t most_;
  std::deque<std::string> lines_;  // sanitized
  std::string line_;               // the incomplete line; raw
  bool returned_ = false;          // carriage return: the next character replaces the line
  State state_ = State::text;
};

// All lines of a text, cleaned in the same way.
std::string as_terminal_lines(std::string_view text);

}  // namespace consort::cli

// The last lines of what a program writes, for a picture that has room for a few: what a line looks like after carriage
// returns and backspaces, without colours and without anything else that steers a terminal. The bytes are foreign.
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

  // The last rows of the lines when each row has so many cells.
  std::vector<std::string> rows(std::size_t most, std::size_t cells) const;

 private:
  // Escape sequences (ECMA-48) are left out whole: ESC [ ... letter, ESC ] ... BEL or ESC \, ESC and one more.
  enum class State : std::uint8_t { text, escape, escape_more, control, string, string_escape };
  void add(char c);
  void add_text(char c);
  void end_line();

  std::size_t most_;
  std::deque<std::string> lines_;  // sanitised
  std::string line_;               // the one not ended yet; raw
  bool returned_ = false;          // carriage return: what comes next takes the line's place
  State state_ = State::text;
};

// All of a text's lines, made fit in that way.
std::string as_terminal_lines(std::string_view text);

}  // namespace consort::cli

// What the two output streams are, and what may be sent there.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace consort::cli {

enum class Ansi : std::uint8_t { automatic, never, always };
enum class ProgressMode : std::uint8_t { automatic, tty, plain, json, quiet };

struct Terminal {
  bool in_is_terminal = false, out_is_terminal = false, err_is_terminal = false;
  Ansi ansi = Ansi::automatic;
  bool no_color = false;  // NO_COLOR is set and not empty, or TERM=dumb
  bool dumb = false;      // TERM=dumb: lines are all that it can do

  static Terminal look();
  bool colour_out() const;
  bool colour_err() const;
  // Whether progress may be drawn over: NO_COLOR does not forbid that, as with Docker Compose.
  bool can_draw_err() const;
};

unsigned terminal_columns(int fd, unsigned fallback = 80);
unsigned terminal_lines(int fd, unsigned fallback = 24);

// Text with what others have chosen in it (answers of registries, names, files): on a terminal nothing of it steers
// that. Standard output gets it as it is if it is no terminal, for whoever reads it there. Whole; a closed pipe ends
// the program quietly.
void print_out(std::string_view text);
void print_err(std::string_view text);  // cleaned always: a log is looked at on a terminal, too

// What steers the terminal on purpose; foreign text in it has been cleaned (base/letters.hpp).
void draw_out(std::string_view text);
void draw_err(std::string_view text);

// A warning as Docker Compose writes it: "WARN[0000] ..." on a terminal, else `time="..." level=warning msg="..."`.
void print_warning(const Terminal& terminal, std::string_view message);

}  // namespace consort::cli

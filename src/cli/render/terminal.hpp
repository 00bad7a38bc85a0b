// The type of the standard streams, and what may be written to them.
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
  bool dumb = false;      // TERM=dumb: can only print lines

  static Terminal look();
  bool colour_out() const;
  bool colour_err() const;
  // Whether progress may be redrawn in place: allowed with NO_COLOR, as in Docker Compose.
  bool can_draw_err() const;
};

unsigned terminal_columns(int fd, unsigned fallback = 80);
unsigned terminal_lines(int fd, unsigned fallback = 24);

// Prints text that may contain foreign data (registry responses, names, files): on a terminal, control characters in it
// are escaped. If standard output is not a terminal, it is written unchanged. Writes everything; a closed pipe ends the
// program quietly.
void print_out(std::string_view text);
void print_err(std::string_view text);  // always escaped: logs are viewed on terminals, too

// Writes terminal control sequences; foreign text in them must have been sanitized (base/letters.hpp).
void draw_out(std::string_view text);
void draw_err(std::string_view text);

// A warning in Docker Compose's format: "WARN[0000] ..." on a terminal, otherwise `time="..." level=warning msg="..."`.
void print_warning(const Terminal& terminal, std::string_view message);

}  // namespace consort::cli

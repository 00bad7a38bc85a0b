#include "cli/render/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>

#include "base/letters.hpp"
#include "base/os/fd.hpp"
#include "base/time.hpp"

namespace consort::cli {

namespace {

bool decide(Ansi ansi, bool is_terminal, bool refused) {
  if (ansi == Ansi::never) return false;
  if (ansi == Ansi::always) return true;
  return is_terminal && !refused;
}

}  // namespace

Terminal Terminal::look() {
  Terminal terminal;
  terminal.in_is_terminal = ::isatty(STDIN_FILENO) == 1;
  terminal.out_is_terminal = ::isatty(STDOUT_FILENO) == 1;
  terminal.err_is_terminal = ::isatty(STDERR_FILENO) == 1;
  const char* no_color = std::getenv("NO_COLOR");
  const char* term = std::getenv("TERM");
  terminal.dumb = term && std::string_view(term) == "dumb";
  terminal.no_color = (no_color && *no_color) || terminal.dumb;
  return terminal;
}

bool Terminal::colour_out() const {
  return decide(ansi, out_is_terminal, no_color);
}
bool Terminal::colour_err() const {
  return decide(ansi, err_is_terminal, no_color);
}

bool Terminal::can_draw_err() const {
  return decide(ansi, err_is_terminal, dumb);
}

unsigned terminal_columns(int fd, unsigned fallback) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : fallback;
}

unsigned terminal_lines(int fd, unsigned fallback) {
  winsize size{};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_row > 0 ? size.ws_row : fallback;
}

void print_out(std::string_view text) {
  draw_out(::isatty(STDOUT_FILENO) == 1 ? sanitized_text(text) : std::string(text));
}

void print_err(std::string_view text) {
  draw_err(sanitized_text(text));
}

void draw_out(std::string_view text) {
  if (!write_full(STDOUT_FILENO, text) && errno == EPIPE) std::_Exit(141);  // as SIGPIPE would have it
}

void draw_err(std::string_view text) {
  (void)write_full(STDERR_FILENO, text);
}

void print_warning(const Terminal& terminal, std::string_view message) {
  std::string text;
  if (terminal.err_is_terminal) {
    text = (terminal.colour_err() ? "\033[33mWARN\033[0m[0000] " : "WARN[0000] ") + sanitized_text(message) + "\n";
  } else {
    std::string quoted;
    for (const char c : sanitized_text(message)) {
      if (c == '\n') {
        quoted += "\\n";
        continue;
      }
      if (c == '"' || c == '\\') quoted += '\\';
      quoted += c;
    }
    text = "time=\"" + format_rfc3339_seconds(system_now()) + "\" level=warning msg=\"" + quoted + "\"\n";
  }
  draw_err(text);
}

}  // namespace consort::cli

#include "cli/render/terminal.hpp"

#include <sys/ioctl.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "base/letters.hpp"
#include "base/os/patient_write.hpp"
#include "base/time.hpp"
#include "cli/interrupted.hpp"
#include "cli/render/lost_output.hpp"

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

namespace {

using std::chrono::steady_clock;

std::atomic<bool> lost_output = false;

// The time since which a stream has not been read; {} if it is being read. It is kept between texts, so that all
// remaining output after an interrupt shares one wait.
std::atomic<steady_clock::time_point> out_stands_since, err_stands_since;

}  // namespace

// Waits for a pager or a stopped program, but only until the user interrupts.
Result<> write_until_interrupted(int fd, std::string_view text) {
  std::atomic<steady_clock::time_point>& stands_since = fd == STDERR_FILENO ? err_stands_since : out_stands_since;
  return write_patiently(fd, text, [&](Reader reader) {
    if (reader == Reader::takes) stands_since = steady_clock::time_point();
    if (reader == Reader::takes) return false;
    const auto now = steady_clock::now();
    steady_clock::time_point since{};
    if (stands_since.compare_exchange_strong(since, now)) since = now;
    return has_been_interrupted() && now - since >= patience_after_interrupt;
  });
}

void draw_out(std::string_view text) {
  const Result<> written = write_until_interrupted(STDOUT_FILENO, text);
  if (written || written.error().code() == Code::interrupted) return;
  if (written.error().sys_errno() == EPIPE) std::_Exit(141);  // the exit status after SIGPIPE
  note_lost_output(written.error());
}

void note_lost_output(const Error& error) {
  if (!lost_output.exchange(true)) print_err("write to standard output: " + errno_text(error.sys_errno()) + "\n");
}

bool has_lost_output() {
  return lost_output;
}

void draw_err(std::string_view text) {
  (void)write_until_interrupted(STDERR_FILENO, text);
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

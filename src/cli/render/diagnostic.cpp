#include "cli/render/diagnostic.hpp"

#include <unistd.h>

#include "compose/excerpt.hpp"

namespace consort::cli {

compose::Colour colour_of(const Terminal& terminal) {
  return terminal.colour_err() ? compose::Colour::always : compose::Colour::never;
}

namespace {

// The width of standard error; 0 if it is not a terminal.
std::size_t columns_of(const Terminal& terminal) {
  return terminal.err_is_terminal ? terminal_columns(STDERR_FILENO, 0) : 0;
}

}  // namespace

void print_diagnostics(const Terminal& terminal, const std::vector<compose::Diagnostic>& diagnostics) {
  draw_err(compose::render_diagnostics(diagnostics, colour_of(terminal), columns_of(terminal)));
}

void WarningPrinter::print(const compose::Diagnostic& warning) {
  print_warning(terminal_, warning.message);
  if (warning.mark.line == 0 || !shown_.insert(warning.message).second) return;
  const std::string text = compose::render_diagnostic(warning, colour_of(terminal_), columns_of(terminal_));
  const std::size_t headline = text.find('\n');
  if (headline != std::string::npos) draw_err(text.substr(headline + 1));
}

}  // namespace consort::cli

#include "cli/render/diagnostic.hpp"

namespace consort::cli {

compose::Colour colour_of(const Terminal& terminal) {
  return terminal.colour_err() ? compose::Colour::always : compose::Colour::never;
}

void WarningPrinter::print(const compose::Diagnostic& warning) {
  print_warning(terminal_, warning.message);
  if (warning.mark.line == 0 || !shown_.insert(warning.message).second) return;
  const std::string text = compose::render_diagnostic(warning, colour_of(terminal_));
  const std::size_t headline = text.find('\n');
  if (headline != std::string::npos) draw_err(text.substr(headline + 1));
}

}  // namespace consort::cli

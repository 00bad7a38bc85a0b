// Prints diagnostics of the Compose files on the terminal.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "cli/render/terminal.hpp"
#include "compose/diagnostic.hpp"

namespace consort::cli {

compose::Colour colour_of(const Terminal& terminal);  // for standard error

// To standard error, wrapped to its width.
void print_diagnostics(const Terminal& terminal, const std::vector<compose::Diagnostic>& diagnostics);

// Prints warnings: Docker Compose's own line, which scripts may search for, then the position; each message only once.
class WarningPrinter {
 public:
  explicit WarningPrinter(const Terminal& terminal) : terminal_(terminal) {}
  void print(const compose::Diagnostic& warning);

 private:
  const Terminal& terminal_;
  std::set<std::string> shown_;
};

}  // namespace consort::cli

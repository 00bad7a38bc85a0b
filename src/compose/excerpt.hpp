// Renders diagnostics for a terminal of a given width: source lines are cut around the mark so that the caret stays
// below the marked text.
#pragma once

#include <string>
#include <vector>

#include "compose/diagnostic.hpp"

namespace consort::compose {

// columns: 0 means unlimited.
std::string render_diagnostic(const Diagnostic& diagnostic, Colour colour, std::size_t columns);
std::string render_diagnostics(const std::vector<Diagnostic>& diagnostics, Colour colour, std::size_t columns);

}  // namespace consort::compose

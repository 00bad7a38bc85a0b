// Diagnostics for a terminal of a certain width: lines of the user's file are cut around the mark, so that the caret
// stands under what it means.
#pragma once

#include <string>
#include <vector>

#include "compose/diagnostic.hpp"

namespace consort::compose {

// columns: 0 is as many as one likes.
std::string render_diagnostic(const Diagnostic& diagnostic, Colour colour, std::size_t columns);
std::string render_diagnostics(const std::vector<Diagnostic>& diagnostics, Colour colour, std::size_t columns);

}  // namespace consort::compose

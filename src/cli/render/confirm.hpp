// Questions before something is lost.
#pragma once

#include <string>

#include "cli/render/terminal.hpp"

namespace consort::cli {

enum class Answer : std::uint8_t { no, yes };

// Asks on standard output, reads a line; the end of the input and anything but yes mean no, an empty line the default.
bool confirm(const Terminal& terminal, const std::string& question, Answer fallback);

}  // namespace consort::cli

// Confirmation before data is lost.
#pragma once

#include <string>

#include "cli/render/terminal.hpp"

namespace consort::cli {

enum class Answer : std::uint8_t { no, yes };

// Asks on standard output and reads a line; end of input and anything but yes mean no, an empty line means the
// fallback.
bool confirm(const Terminal& terminal, const std::string& question, Answer fallback);

}  // namespace consort::cli

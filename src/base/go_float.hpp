// Numbers as Go's strconv reads them, which is what the Compose language and docker's flags are read by.
#pragma once

#include <optional>
#include <string_view>

namespace consort {

// strconv.ParseFloat of plain decimal notation; nan and inf included, underscores between digits.
std::optional<double> parse_go_float(std::string_view text);

}  // namespace consort

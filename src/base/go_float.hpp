// Numbers as Go's strconv reads them, which is how Compose and the docker CLI parse them.
#pragma once

#include <optional>
#include <string_view>

namespace consort {

// strconv.ParseFloat for plain decimal notation, including nan, inf and underscores between digits.
std::optional<double> parse_go_float(std::string_view text);

}  // namespace consort

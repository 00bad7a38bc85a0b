// Measures how many terminal columns a text takes, and makes foreign text safe to print on one line.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/letters.hpp"

namespace consort {

// The width of UTF-8 text without control characters, in cells: two for a wide character, none for a combining mark.
// Each byte that is not valid UTF-8 counts as one.
std::size_t cells_of(std::string_view text);

// The longest prefix that takes at most `cells` cells.
std::string_view cut_to_cells(std::string_view text, std::size_t cells);

// Splits the text into pieces of at most `cells` cells (at least one cell); an empty text gives one empty piece.
std::vector<std::string_view> wrapped(std::string_view text, std::size_t cells);

// sanitized() for one line of the progress display: tabs become spaces.
std::string sanitized_line(std::string_view text);

}  // namespace consort

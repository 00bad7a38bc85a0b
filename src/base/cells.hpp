// How much of a terminal's line a text takes, and foreign text made fit for one.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "base/letters.hpp"

namespace consort {

// Cells of UTF-8 without control characters: two for wide letters, none for combining marks. Bytes that are no UTF-8
// count one each.
std::size_t cells_of(std::string_view text);

// The longest beginning that takes no more than so many cells.
std::string_view cut_to_cells(std::string_view text, std::size_t cells);

// In pieces of no more than so many cells (at least one); an empty text is one empty piece.
std::vector<std::string_view> wrapped(std::string_view text, std::size_t cells);

// sanitized() for one line of a picture: tabs become spaces.
std::string sanitized_line(std::string_view text);

}  // namespace consort

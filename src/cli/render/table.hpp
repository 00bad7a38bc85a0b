// Tables in the format of Docker's tools: no lines, upper-case headings, spaces between columns and after every cell
// except the last one of a row.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace consort::cli {

struct TableStyle {
  std::size_t least_width = 10;
  std::size_t padding = 3;
};
inline constexpr TableStyle object_table{10, 3};  // ps, stats, volumes
inline constexpr TableStyle wide_table{20, 3};    // ls, images, config --variables
inline constexpr TableStyle process_table{4, 2};  // top

// Every row must have as many cells as the first one.
std::string format_table(std::vector<std::vector<std::string>> rows, TableStyle style);

// The part that fits on a terminal at once; the last line is left for the cursor.
std::string fitted_to_screen(std::string_view text, std::size_t columns, std::size_t rows);

}  // namespace consort::cli

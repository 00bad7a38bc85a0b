// Tables as Docker's tools print them: no lines, upper-case heads, blanks between columns and after every cell but the
// last of a row.
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

// Every row has as many cells as the first.
std::string format_table(std::vector<std::vector<std::string>> rows, TableStyle style);

// As much of it as a terminal shows at once; the last line is for the cursor.
std::string fitted_to_screen(std::string_view text, std::size_t columns, std::size_t rows);

}  // namespace consort::cli

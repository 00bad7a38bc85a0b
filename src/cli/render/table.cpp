#include "cli/render/table.hpp"

#include <algorithm>

#include "base/cells.hpp"
#include "base/strings.hpp"

namespace consort::cli {

namespace {

std::size_t code_points(const std::string& text) {
  return static_cast<std::size_t>(std::ranges::count_if(text, [](char c) { return (c & 0xc0) != 0x80; }));
}

}  // namespace

std::string format_table(std::vector<std::vector<std::string>> rows, TableStyle style) {
  std::vector<std::size_t> widths;
  for (auto& row : rows) {
    // Names, commands and labels are chosen by others, and go to our user's terminal.
    for (std::string& cell : row) cell = sanitized_line(cell);
    widths.resize(std::max(widths.size(), row.size()));
    for (std::size_t i = 0; i < row.size(); ++i)
      widths[i] = std::max({widths[i], style.least_width, code_points(row[i]) + style.padding});
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i < row.size(); ++i) {
      text += row[i];
      if (i + 1 < row.size()) text.append(widths[i] - code_points(row[i]), ' ');
    }
    text += '\n';
  }
  return text;
}

std::string fitted_to_screen(std::string_view text, std::size_t columns, std::size_t rows) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  std::vector<std::string> lines = split(text, '\n');
  const std::size_t room = std::max<std::size_t>(rows, 3) - 1;
  if (lines.size() > room) {
    const std::size_t hidden = lines.size() - (room - 1);
    lines.resize(room - 1);
    lines.push_back("+" + std::to_string(hidden) + " more");
  }
  std::string result;
  for (const std::string& line : lines)
    result += (cells_of(line) <= columns ? line : std::string(cut_to_cells(line, columns - 1)) + "…") + "\n";
  return result;
}

}  // namespace consort::cli

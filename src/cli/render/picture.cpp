#include "cli/render/picture.hpp"

#include <algorithm>

#include "base/cells.hpp"

namespace consort::cli {

namespace {

// The cursor is hidden only while drawing, so that the terminal is usable however the program ends. Line wrapping is
// off meanwhile: if the terminal takes a character to be wider than we do, only the end of a line is lost, and the
// position of the display stays right.
constexpr std::string_view begin_drawing = "\033[?25l\033[?7l", end_drawing = "\033[?7h\033[?25h";
constexpr std::string_view clear_to_line_end = "\033[K", clear_to_end = "\033[J";

}  // namespace

Line& Line::add(std::string_view text, std::string_view code, Paint paint) {
  if (text.empty()) return *this;
  cells_ += cells_of(text);
  if (paint == Paint::plain || code.empty()) {
    text_ += text;
  } else {
    text_ += "\033[" + std::string(code) + "m" + std::string(text) + "\033[0m";
  }
  return *this;
}

Line& Line::pad_to(std::size_t cells) {
  if (cells_ >= cells) return *this;
  text_.append(cells - cells_, ' ');
  cells_ = cells;
  return *this;
}

Lines fitted(std::vector<RankedLine> lines, std::size_t room) {
  while (lines.size() > room) lines.erase(std::ranges::min_element(lines, {}, &RankedLine::rank));
  Lines result;
  for (RankedLine& each : lines) result.push_back(std::move(each.line));
  return result;
}

// A terminal that has become narrower shows a line that was drawn earlier in several rows.
std::string Picture::to_top(Size size) const {
  std::size_t rows = 0;
  for (const std::size_t cells : cells_) rows += cells == 0 ? 1 : (cells + size.columns - 1) / size.columns;
  return rows == 0 ? "" : "\r\033[" + std::to_string(rows) + "A";
}

std::string Picture::redraw(const Lines& lines, Size size) {
  std::string text = std::string(begin_drawing) + to_top(size);
  // The terminal joins rows that it once wrapped when it becomes wider, whatever they contain by then.
  if (!empty() && columns_ != size.columns) text += clear_to_end;
  columns_ = size.columns;
  cells_.clear();
  for (const Line& line : lines) {
    text += line.text() + std::string(clear_to_line_end) + "\n";
    cells_.push_back(line.cells());
  }
  return text + std::string(clear_to_end) + std::string(end_drawing);
}

std::string Picture::erase(Size size) {
  if (empty()) return {};
  std::string text = to_top(size) + std::string(clear_to_end);
  cells_.clear();
  return text;
}

}  // namespace consort::cli

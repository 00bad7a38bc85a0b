// Lines at the bottom of a terminal that are redrawn repeatedly.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace consort::cli {

struct Size {
  std::size_t columns = 80, rows = 24;
};

enum class Paint : std::uint8_t { plain, colours };

// SGR codes.
namespace colour {
constexpr std::string_view none{}, red = "31", green = "32", yellow = "33", blue = "34", magenta = "35", faint = "2";
}

// One line of a picture. Text must not contain control characters.
class Line {
 public:
  Line& add(std::string_view text, std::string_view code, Paint paint);
  Line& add(std::string_view text) { return add(text, colour::none, Paint::plain); }
  // Adds spaces up to this cell.
  Line& pad_to(std::size_t cells);

  const std::string& text() const { return text_; }
  std::size_t cells() const { return cells_; }

 private:
  std::string text_;
  std::size_t cells_ = 0;
};
using Lines = std::vector<Line>;

// A line with a priority: if not all lines fit, those of the lowest rank are dropped first, upper ones before lower
// ones.
struct RankedLine {
  Line line;
  int rank = 0;
};
Lines fitted(std::vector<RankedLine> lines, std::size_t room);

class Picture {
 public:
  // What to write so that the terminal shows these lines instead of those drawn before. The cursor ends up below them.
  std::string redraw(const Lines& lines, Size size);
  // What to write to erase the picture.
  std::string erase(Size size);
  // Leaves the drawn lines in place; the next picture starts below them.
  void leave() { cells_.clear(); }
  bool empty() const { return cells_.empty(); }

 private:
  std::string to_top(Size size) const;

  std::vector<std::size_t> cells_;  // of each drawn line
  std::size_t columns_ = 0;         // of the terminal at that time
};

}  // namespace consort::cli

// Lines at the bottom of a terminal that are drawn over again and again.
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

// Codes of SGR.
namespace colour {
constexpr std::string_view none{}, red = "31", green = "32", yellow = "33", blue = "34", magenta = "35", faint = "2";
}

// What a picture says in one line. Text must not hold control characters.
class Line {
 public:
  Line& add(std::string_view text, std::string_view code, Paint paint);
  Line& add(std::string_view text) { return add(text, colour::none, Paint::plain); }
  // Spaces up to that cell.
  Line& pad_to(std::size_t cells);

  const std::string& text() const { return text_; }
  std::size_t cells() const { return cells_; }

 private:
  std::string text_;
  std::size_t cells_ = 0;
};
using Lines = std::vector<Line>;

// A line with what it is worth: when not all fit, the lines of the lowest rank go first, the upper ones before the
// lower.
struct RankedLine {
  Line line;
  int rank = 0;
};
Lines fitted(std::vector<RankedLine> lines, std::size_t room);

class Picture {
 public:
  // What to send so that the terminal shows these lines in place of those drawn before. The cursor ends below them.
  std::string redraw(const Lines& lines, Size size);
  // What to send so that nothing of it is left.
  std::string erase(Size size);
  // What was drawn stays as it is; the next picture begins below.
  void leave() { cells_.clear(); }
  bool empty() const { return cells_.empty(); }

 private:
  std::string to_top(Size size) const;

  std::vector<std::size_t> cells_;  // of each line drawn
  std::size_t columns_ = 0;         // of the terminal then
};

}  // namespace consort::cli

#include "base/cells.hpp"

#include <algorithm>
#include <array>
#include <cstdint>
#include <iterator>

namespace consort {

namespace {

struct Range {
  char32_t first, last;
};

// Characters with Unicode's East Asian Width W or F: terminals show them two cells wide.
constexpr std::array wide{
    Range{0x1100, 0x115f},   Range{0x231a, 0x231b},   Range{0x2329, 0x232a},   Range{0x23e9, 0x23ec},
    Range{0x23f0, 0x23f0},   Range{0x23f3, 0x23f3},   Range{0x25fd, 0x25fe},   Range{0x2614, 0x2615},
    Range{0x2648, 0x2653},   Range{0x267f, 0x267f},   Range{0x2693, 0x2693},   Range{0x26a1, 0x26a1},
    Range{0x26aa, 0x26ab},   Range{0x26bd, 0x26be},   Range{0x26c4, 0x26c5},   Range{0x26ce, 0x26ce},
    Range{0x26d4, 0x26d4},   Range{0x26ea, 0x26ea},   Range{0x26f2, 0x26f3},   Range{0x26f5, 0x26f5},
    Range{0x26fa, 0x26fa},   Range{0x26fd, 0x26fd},   Range{0x2705, 0x2705},   Range{0x270a, 0x270b},
    Range{0x2728, 0x2728},   Range{0x274c, 0x274c},   Range{0x274e, 0x274e},   Range{0x2753, 0x2755},
    Range{0x2757, 0x2757},   Range{0x2795, 0x2797},   Range{0x27b0, 0x27b0},   Range{0x27bf, 0x27bf},
    Range{0x2b1b, 0x2b1c},   Range{0x2b50, 0x2b50},   Range{0x2b55, 0x2b55},   Range{0x2e80, 0x303e},
    Range{0x3041, 0x33ff},   Range{0x3400, 0x4dbf},   Range{0x4e00, 0xa4cf},   Range{0xa960, 0xa97f},
    Range{0xac00, 0xd7a3},   Range{0xf900, 0xfaff},   Range{0xfe10, 0xfe19},   Range{0xfe30, 0xfe6f},
    Range{0xff01, 0xff60},   Range{0xffe0, 0xffe6},   Range{0x1f300, 0x1f64f}, Range{0x1f680, 0x1f6ff},
    Range{0x1f900, 0x1f9ff}, Range{0x1fa70, 0x1faff}, Range{0x20000, 0x3fffd}};
// Combining marks of the common scripts, joiners and variation selectors.
constexpr std::array narrow{Range{0x0300, 0x036f}, Range{0x0483, 0x0489}, Range{0x0591, 0x05bd}, Range{0x0610, 0x061a},
                            Range{0x064b, 0x065f}, Range{0x0e31, 0x0e31}, Range{0x0e34, 0x0e3a}, Range{0x0e47, 0x0e4e},
                            Range{0x1ab0, 0x1aff}, Range{0x1dc0, 0x1dff}, Range{0x200b, 0x200d}, Range{0x20d0, 0x20ff},
                            Range{0xfe00, 0xfe0f}, Range{0xfe20, 0xfe2f}, Range{0xfeff, 0xfeff}};

template <std::size_t count>
bool is_in(const std::array<Range, count>& ranges, char32_t point) {
  const auto found = std::ranges::lower_bound(ranges, point, {}, &Range::last);
  return found != ranges.end() && found->first <= point;
}

std::size_t cells_of(const Letter& letter) {
  if (!letter.valid || letter.point < 0x300) return 1;
  if (is_in(narrow, letter.point)) return 0;
  return is_in(wide, letter.point) ? 2 : 1;
}

}  // namespace

std::size_t cells_of(std::string_view text) {
  std::size_t cells = 0;
  while (!text.empty()) {
    const Letter letter = first_letter(text);
    cells += cells_of(letter);
    text.remove_prefix(letter.bytes.size());
  }
  return cells;
}

std::string_view cut_to_cells(std::string_view text, std::size_t cells) {
  std::size_t size = 0, used = 0;
  while (size < text.size()) {
    const Letter letter = first_letter(text.substr(size));
    used += cells_of(letter);
    if (used > cells) break;
    size += letter.bytes.size();
  }
  return text.substr(0, size);
}

std::vector<std::string_view> wrapped(std::string_view text, std::size_t cells) {
  std::vector<std::string_view> pieces;
  do {
    std::string_view piece = cut_to_cells(text, cells);
    if (piece.empty() && !text.empty()) piece = first_letter(text).bytes;  // one character wider than the line
    pieces.push_back(piece);
    text.remove_prefix(piece.size());
  } while (!text.empty());
  return pieces;
}

std::string sanitized_line(std::string_view text) {
  std::string line = sanitized(text);
  std::ranges::replace(line, '\t', ' ');
  return line;
}

}  // namespace consort

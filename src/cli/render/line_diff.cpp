#include "cli/render/line_diff.hpp"

#include <algorithm>
#include <vector>

#include "base/strings.hpp"

namespace consort::cli {

namespace {

constexpr std::size_t context = 2;    // unchanged lines around a change
constexpr std::size_t farthest = 40;  // the largest number of different lines before the texts match again

struct Line {
  char mark;  // ' ', '-', '+'
  std::string text;
  std::size_t before, after;  // its line numbers, from 1
};

std::vector<std::string> lines_of(std::string_view text) {
  if (text.ends_with('\n')) text.remove_suffix(1);
  return split(text, '\n');
}

// The nearest position from which both texts are equal again, as the number of lines of each before it.
struct Apart {
  std::size_t before, after;
};
Apart next_meeting(const std::vector<std::string>& a, const std::vector<std::string>& b, std::size_t i, std::size_t j) {
  for (std::size_t sum = 1; sum <= 2 * farthest; ++sum)
    for (std::size_t more_a = sum > farthest ? sum - farthest : 0; more_a <= std::min(sum, farthest); ++more_a) {
      const std::size_t more_b = sum - more_a;
      const bool ended = i + more_a == a.size() && j + more_b == b.size();
      if (ended || (i + more_a < a.size() && j + more_b < b.size() && a[i + more_a] == b[j + more_b]))
        return {more_a, more_b};
    }
  return {a.size() - i, b.size() - j};
}

std::vector<Line> compare(const std::vector<std::string>& a, const std::vector<std::string>& b) {
  std::vector<Line> lines;
  std::size_t i = 0;
  std::size_t j = 0;
  while (i < a.size() || j < b.size()) {
    if (i < a.size() && j < b.size() && a[i] == b[j]) {
      lines.push_back({' ', a[i], i + 1, j + 1});
      ++i, ++j;
      continue;
    }
    const Apart apart = next_meeting(a, b, i, j);
    for (std::size_t n = 0; n < apart.before; ++n, ++i) lines.push_back({'-', a[i], i + 1, j + 1});
    for (std::size_t n = 0; n < apart.after; ++n, ++j) lines.push_back({'+', b[j], i + 1, j + 1});
  }
  return lines;
}

std::string hunk(const std::vector<Line>& lines, std::size_t first, std::size_t last) {
  std::size_t before = 0;
  std::size_t after = 0;
  std::string text;
  for (std::size_t i = first; i < last; ++i) {
    before += lines[i].mark != '+';
    after += lines[i].mark != '-';
    text += lines[i].mark + lines[i].text + "\n";
  }
  return "@@ -" + std::to_string(lines[first].before) + "," + std::to_string(before) + " +" +
         std::to_string(lines[first].after) + "," + std::to_string(after) + " @@\n" + text;
}

}  // namespace

std::string line_diff(const std::string& name, std::string_view before, std::string_view after) {
  if (before == after) return "";
  const std::vector<Line> lines = compare(lines_of(before), lines_of(after));
  std::string text = "--- " + name + "\n+++ " + name + "\n";
  std::size_t at = 0;
  while (at < lines.size()) {
    if (lines[at].mark == ' ') {
      ++at;
      continue;
    }
    const std::size_t first = at < context ? 0 : at - context;
    std::size_t last = at;  // the last change that belongs to this hunk
    for (std::size_t i = at; i < lines.size() && i <= last + 2 * context; ++i)
      if (lines[i].mark != ' ') last = i;
    const std::size_t end = std::min(lines.size(), last + context + 1);
    text += hunk(lines, first, end);
    at = end;
  }
  return text;
}

}  // namespace consort::cli

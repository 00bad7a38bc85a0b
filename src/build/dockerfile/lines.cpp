#include "build/dockerfile/lines.hpp"

namespace consort::build {

SourceLines::SourceLines(std::string_view text) : text_(text) {
  std::size_t start = 0;
  while (start < text.size()) {
    starts_.push_back(start);
    const auto end = text.find('\n', start);
    if (end == std::string_view::npos) break;
    start = end + 1;
  }
}

std::string_view SourceLines::take() {
  ++next_;
  return line(static_cast<std::uint32_t>(next_));
}

std::string_view SourceLines::line(std::uint32_t number) const {
  const std::size_t start = starts_[number - 1];
  const std::size_t limit = number < starts_.size() ? starts_[number] : text_.size();
  std::string_view result = text_.substr(start, limit - start);
  if (result.ends_with('\n')) result.remove_suffix(1);
  if (result.ends_with('\r')) result.remove_suffix(1);
  return result;
}

std::string_view SourceLines::line_end(std::uint32_t number) const {
  const std::size_t limit = number < starts_.size() ? starts_[number] : text_.size();
  const std::size_t end = starts_[number - 1] + line(number).size();
  return text_.substr(end, limit - end);
}

void LogicalLine::append(std::string_view piece, std::uint32_t line, std::string_view whole_line) {
  const auto skipped = piece.empty() ? whole_line.size() : static_cast<std::size_t>(piece.data() - whole_line.data());
  segments_.push_back({text_.size(), line, whole_line, skipped});
  text_ += piece;
}

std::pair<std::uint32_t, std::uint32_t> LogicalLine::place(std::size_t offset) const {
  const Segment* found = &segments_.front();
  for (const auto& segment : segments_) {
    if (segment.offset > offset) break;
    found = &segment;
  }
  const std::size_t bytes = std::min(found->skipped + (offset - found->offset), found->whole.size());
  return {found->line, count_code_points(found->whole.substr(0, bytes)) + 1};
}

Range LogicalLine::range(std::size_t begin, std::size_t end) const {
  const auto [line, column] = place(begin);
  if (end <= begin) return {line, column, line, column};
  // The end is the position after the last byte, which may be on an earlier line than the next byte.
  const auto [end_line, last_column] = place(end - 1);
  return {line, column, end_line, last_column + 1};
}

std::uint32_t count_code_points(std::string_view text) {
  std::uint32_t count = 0;
  for (const char c : text) count += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return count;
}

bool is_space(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string_view trim_left(std::string_view text) {
  while (!text.empty() && is_space(text.front())) text.remove_prefix(1);
  return text;
}

}  // namespace consort::build

// Converts physical lines to logical lines: joins continuations and drops comments, but keeps track of where each byte
// came from.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "build/dockerfile/ast.hpp"

namespace consort::build {

// The physical lines of a text, without line ends; line numbers count from 1.
class SourceLines {
 public:
  explicit SourceLines(std::string_view text);
  bool at_end() const { return next_ >= starts_.size(); }
  std::uint32_t number() const { return static_cast<std::uint32_t>(next_); }  // of the line that take() returned last
  std::string_view take();                                                    // the next line; requires !at_end()
  std::string_view line(std::uint32_t number) const;
  std::string_view line_end(std::uint32_t number) const;  // "\n", "\r\n"; "" at the end of the text

 private:
  std::string_view text_;
  std::vector<std::size_t> starts_;
  std::size_t next_ = 0;
};

// A logical line. Offsets into text() can be translated back to positions in the file.
class LogicalLine {
 public:
  void append(std::string_view piece, std::uint32_t line, std::string_view whole_line);
  const std::string& text() const { return text_; }
  Range range(std::size_t begin, std::size_t end) const;  // end is exclusive

 private:
  struct Segment {
    std::size_t offset;  // in text_
    std::uint32_t line;
    std::string_view whole;  // the physical line
    std::size_t skipped;     // bytes of it before the piece
  };
  std::pair<std::uint32_t, std::uint32_t> place(std::size_t offset) const;
  std::string text_;
  std::vector<Segment> segments_;
};

// Number of code points in UTF-8 text; counts all bytes that are not continuation bytes.
std::uint32_t count_code_points(std::string_view text);
bool is_space(char c);  // like Go's unicode.IsSpace for ASCII
std::string_view trim_left(std::string_view text);

}  // namespace consort::build

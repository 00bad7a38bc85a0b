// The texts a project was read from, and the conversion of a compact Place to what users see: file, line, column and
// the source line.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/mark.hpp"
#include "compose/diagnostic.hpp"
#include "compose/node.hpp"

namespace consort::compose {

// The line with this number (from 1), without its line end.
std::string_view line_of_text(std::string_view text, std::uint32_t number);

// A file as the user wrote it, and the in-memory repairs that allow parsing to continue. Places refer to the repaired
// text; everything shown to the user refers to the original.
class Source {
 public:
  Source(std::string path, std::string text);

  const std::string& path() const { return path_; }
  const std::string& original() const { return original_; }
  const std::string& text() const { return text_; }  // repaired

  std::string_view line(std::uint32_t number) const;           // of the repaired text, without its newline
  std::string_view original_line(std::uint32_t number) const;  // from 1
  std::uint32_t line_count() const { return static_cast<std::uint32_t>(starts_.size()); }
  std::size_t offset_of(std::uint32_t line, std::uint32_t column) const;  // in the repaired text
  std::size_t original_offset(std::size_t offset) const;                  // for an offset in the repaired text
  Place place_at(std::size_t offset, std::uint32_t length = 0) const;     // in the repaired text; source stays 0
  Mark mark(Place place) const;

  // Replaces bytes of the repaired text and returns the same edit in terms of the original. An edit that overlaps an
  // earlier repair is refused (empty file name).
  TextEdit repair(std::size_t offset, std::size_t length, std::string replacement);

 private:
  struct Repair {
    std::size_t offset;    // in the original
    std::size_t length;    // removed from the original
    std::size_t inserted;  // bytes inserted instead
  };
  std::string path_;
  std::string original_;
  std::string text_;
  std::vector<std::size_t> starts_;
  std::vector<std::size_t> original_starts_;
  std::vector<Repair> repairs_;  // sorted by offset
};

class Sources {
 public:
  Sources();
  std::uint32_t add(std::string path, std::string text);  // the index for Place::source
  const Source* get(std::uint32_t index) const;
  Source* get(std::uint32_t index);
  const Source* by_path(std::string_view path) const;
  std::uint32_t count() const { return static_cast<std::uint32_t>(sources_.size()); }
  Mark mark(Place place) const;
  std::string line_text(const Mark& mark) const;

 private:
  std::vector<Source> sources_;  // [0] is a placeholder
};

}  // namespace consort::compose

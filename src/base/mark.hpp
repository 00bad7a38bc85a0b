// A position in a text that a user wrote; every diagnostic about the user's files points at one.
#pragma once

#include <cstdint>
#include <string>

namespace consort {

// line and column count from 1; column counts Unicode code points, as editors do. 0 means the file as a whole.
struct Mark {
  std::string file;
  std::uint32_t line = 0;
  std::uint32_t column = 0;
  // Length of the marked text in code points; 0 if only the start is known.
  std::uint32_t length = 0;

  friend bool operator==(const Mark&, const Mark&) = default;
};

}  // namespace consort

// What is shown for a failed step in addition to the error: its last output, and its position in the Dockerfile.
#pragma once

#include <string>
#include <vector>

#include "base/mark.hpp"

namespace consort::build {

struct StepFailure {
  std::string title;   // "[web 2/5] RUN make"
  std::string output;  // its last lines
  std::string file;    // the Dockerfile's name
  std::string text;    // its content
  std::uint32_t line = 0;
  std::uint32_t end_line = 0;
  int exit_code = 0;  // of the process; 0 if the failure was something else
};

// As `docker build` prints it:
//   ------
//    > [web 2/5] RUN make:
//   make: *** No rule
//   ------
//   Dockerfile:3
//   --------------------
//      3 | >>> RUN make
std::string render(const StepFailure& failure);
// Only the excerpt of the file, with the marker.
std::string render_excerpt(const std::string& file, const std::string& text, std::uint32_t line,
                           std::uint32_t end_line);

}  // namespace consort::build

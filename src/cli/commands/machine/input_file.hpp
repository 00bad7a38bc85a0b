// Input of commands: a file or standard input.
#pragma once

#include <fcntl.h>
#include <unistd.h>

#include <string>

#include "base/os/files/file.hpp"

namespace consort::cli {

// The given file, or standard input for "-" and "".
inline Result<Fd> open_input(const std::string& path) {
  return path.empty() || path == "-" ? duplicate(STDIN_FILENO) : open_file(path, O_RDONLY);
}

}  // namespace consort::cli

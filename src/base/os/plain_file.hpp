// Files of a project, which may be anything on the disk that somebody has cloned or made.
#pragma once

#include <cstddef>
#include <string>

#include "base/error.hpp"

namespace consort {

// Like read_file(), but never waits for somebody to write: what is neither a regular file nor /dev/null is refused at
// once with Code::invalid. Only a path that stands for a descriptor of ours (/dev/stdin, /dev/fd/N, /proc/self/fd/N),
// as a shell writes for <(command), may be a pipe.
Result<std::string> read_plain_file(const std::string& path, std::size_t limit);

}  // namespace consort

// Locks on open files and directories: flock(2), which belongs to what was opened and ends with its last descriptor.
#pragma once

#include <string>

#include "base/error.hpp"

namespace consort {

// Waits for whoever has it locked; signals do not end the wait. `path` is for the error. What is locked in the end may
// have lost its name meanwhile: see has_name().
Result<> lock_shared(int fd, const std::string& path);
Result<> lock_exclusive(int fd, const std::string& path);

}  // namespace consort

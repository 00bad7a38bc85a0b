// Locks on open files and directories by flock(2). A lock belongs to the open file description and ends with its last
// descriptor.
#pragma once

#include <string>

#include "base/error.hpp"

namespace consort {

// Waits for the current holder; signals do not interrupt the wait. fd is borrowed, `path` is for error messages. By the
// time the lock is acquired, the file may have been removed or replaced: see has_name().
Result<> lock_shared(int fd, const std::string& path);
Result<> lock_exclusive(int fd, const std::string& path);

}  // namespace consort

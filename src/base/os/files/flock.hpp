// Locks on open files and directories by flock(2). A lock belongs to the open file description and ends with its last
// descriptor.
#pragma once

#include <stop_token>
#include <string>

#include "base/error.hpp"

namespace consort {

// What ends a wait for somebody who has it locked with Code::interrupted. A holder that is stopped ends it anyway, with
// Code::busy and its name (lock_holder.hpp); one that works is waited for.
struct LockWait {
  int cancel_fd = -1;        // borrowed: once it is readable
  std::stop_token cancel{};  // once stop is requested
};

// `path` is for the error. What is locked in the end may have lost its name meanwhile: see has_name().
Result<> lock_shared(int fd, const std::string& path, const LockWait& wait = {});
Result<> lock_exclusive(int fd, const std::string& path, const LockWait& wait = {});

}  // namespace consort

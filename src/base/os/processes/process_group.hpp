// Starts a program in a process group of its own, so that a signal can be sent to it and everything it has started. It
// must not read from a terminal, which would stop it.
#pragma once

#include "base/os/processes/process.hpp"

namespace consort {

// Like spawn(); the process group ID is the program's pid.
Result<ChildGuard> spawn_group(const SpawnOptions& options);

}  // namespace consort

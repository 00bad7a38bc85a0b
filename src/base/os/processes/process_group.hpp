// A program with a process group of its own: it can be sent a signal with all that it has started. It must not read
// from a terminal, which would stop it.
#pragma once

#include "base/os/processes/process.hpp"

namespace consort {

// As spawn(); the group has the number of the program.
Result<ChildGuard> spawn_group(const SpawnOptions& options);

}  // namespace consort

// The processes of a container, where it has no cgroup that could be asked for them.
#pragma once

#include <sys/types.h>

#include <vector>

namespace consort::runtime {

// All that are in the same pid namespace as `first`, which is one of them; empty when it has ended, and
// itself alone where that is our own. One look at each
// process of the machine.
std::vector<pid_t> processes_beside(pid_t first);

}  // namespace consort::runtime

// Finds the processes of a container without a cgroup.
#pragma once

#include <sys/types.h>

#include <vector>

namespace consort::runtime {

// All processes in the pid namespace of `first`, including itself; empty if it has ended, and only itself if the
// namespace is our own. Checks each process of the machine once.
std::vector<pid_t> processes_beside(pid_t first);

}  // namespace consort::runtime

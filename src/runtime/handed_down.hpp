// Reads the cgroups v2 delegation that a process has received.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace consort::runtime {

// The cgroup above the leaf that the process is in (enter_delegated_leaf()), as a path below the hierarchy's root; ""
// if it is not in such a leaf.
std::string delegated_group_of(pid_t pid);
// The controllers available in a cgroup, by the kernel's names.
std::vector<std::string> controllers_of(const std::string& group);

}  // namespace consort::runtime

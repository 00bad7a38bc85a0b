// What somebody else has handed down to a process of cgroups of version 2.
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

namespace consort::runtime {

// The group around the leaf in which that process lives (enter_delegated_leaf()), as a path below the hierarchy's root;
// "" if it is in none.
std::string delegated_group_of(pid_t pid);
// What a group may limit, in the kernel's words.
std::vector<std::string> controllers_of(const std::string& group);

}  // namespace consort::runtime

// Whether this process is root of the machine or only of a user namespace, where the kernel keeps some things from it.
#pragma once

namespace consort {

// Not in the machine's own user namespace: no device nodes, no limits beyond those of the user, no trusted.*
// attributes.
bool in_user_namespace();
// In one that has no other user than root.
bool has_one_user();
// In one in which nobody may change their supplementary groups.
bool may_set_groups();
// The network namespace of this thread belongs to the user namespace of this process: its /sys can be mounted.
bool owns_network();
// The highest group that there is, for sysctls that take a range of them.
unsigned highest_group();

}  // namespace consort

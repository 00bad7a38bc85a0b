// Tells whether this process is root on the machine or only in a user namespace, where the kernel restricts some
// operations.
#pragma once

namespace consort {

// Not in the machine's initial user namespace: no device nodes, no limits beyond the user's own, no trusted.*
// attributes.
bool in_user_namespace();
// In a user namespace that maps no user but root.
bool has_one_user();
// In a user namespace that permits setgroups(2).
bool may_set_groups();
// The network namespace of this thread is owned by the user namespace of this process, so its /sys can be mounted.
bool owns_network();
// The highest group ID available in this namespace, for sysctls that take a range of groups.
unsigned highest_group();

}  // namespace consort

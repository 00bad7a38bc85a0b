// How a process ended that is not our child.
#pragma once

#include <optional>

namespace consort {

// The wait status (as of waitpid) of a process that has ended and was reaped by its parent; the pidfd was opened
// before. nullopt: not reaped yet, or the kernel does not tell (before Linux 6.15).
std::optional<int> foreign_wait_status(int pidfd);

}  // namespace consort

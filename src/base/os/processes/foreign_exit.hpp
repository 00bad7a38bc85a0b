// Finds out how a process that is not our child ended.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace consort {

// The wait status (as from waitpid) of a process that has ended. `started` is its process_start_time(); the pidfd was
// opened while the process still existed. The process may be unreaped: some processes that inherit orphans never reap
// them. nullopt: it is running, or the kernel does not say (for a reaped process: before Linux 6.15; otherwise: if we
// may not trace it).
std::optional<int> foreign_wait_status(int pidfd, pid_t pid, std::uint64_t started);

}  // namespace consort

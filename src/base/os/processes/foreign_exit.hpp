// How a process ended that is not our child.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>

namespace consort {

// The wait status (as of waitpid) of a process that has ended; started is its process_start_time(), the pidfd was
// opened before. Nobody need have reaped it: some that inherit orphans never do. nullopt: it runs, or the kernel does
// not tell (who was reaped: before Linux 6.15; who was not: if we may not trace it).
std::optional<int> foreign_wait_status(int pidfd, pid_t pid, std::uint64_t started);

}  // namespace consort

// How a process ended that is not our child.
#pragma once

#include <chrono>
#include <optional>

namespace consort {

// The wait status (as of waitpid) of a process that has ended and was reaped by its parent; the pidfd was opened
// before. nullopt: not reaped yet, or the kernel does not tell (before Linux 6.15).
std::optional<int> foreign_wait_status(int pidfd);

// Whoever has inherited an orphan may be slow to reap it, or never do so.
inline constexpr std::chrono::milliseconds between_looks_for_reaper{10}, longest_wait_for_reaper{1000};

}  // namespace consort

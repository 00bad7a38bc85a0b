// /proc/PID of a process identified by pid and start time, as a descriptor. It keeps referring to that process even if
// its pid is reused, so files opened through it never belong to another process.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/os/fd.hpp"

namespace consort {

// Code::not_found: it has ended. If it ends later, openat() in its directory fails with ESRCH.
Result<Fd> open_process_directory(pid_t pid, std::uint64_t started);

// The pidfd of the process that the /proc directory `directory` belongs to. Code::not_found: it has ended.
Result<Fd> open_pidfd(int directory, pid_t pid);

}  // namespace consort

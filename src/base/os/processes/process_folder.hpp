// /proc/PID of a process known by pid and start time, as a descriptor: it stays that process's, whoever gets its number
// later, so what is opened through it is never another's.
#pragma once

#include <sys/types.h>

#include <cstdint>

#include "base/os/fd.hpp"

namespace consort {

// Code::not_found: it has ended. Later, openat() in the directory of one that has ended fails with ESRCH.
Result<Fd> open_process_folder(pid_t pid, std::uint64_t started);

// The pidfd of the process whose directory it is. Code::not_found: it has ended.
Result<Fd> open_pidfd(int folder, pid_t pid);

}  // namespace consort

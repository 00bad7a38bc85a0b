// Protects our own binary from being overwritten by a container (CVE-2019-5736). A container's first process is a copy
// of the program that starts it, so for a moment /proc/PID/exe in the container is our file, and root in the container
// owns the file.
//
// The protection costs no memory: the program runs from a descriptor that was opened through a detached, read-only bind
// mount of its file. Reopening /proc/PID/exe for writing always fails with EROFS, and since the mount is in no mount
// namespace, nobody can remount it. Where bind mounts are not allowed, a sealed copy in a memfd does the same, at the
// cost of the file's size.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/os/fd.hpp"

namespace consort::runtime {

bool running_sealed();
// A descriptor of `path` for fexecve. O_CLOEXEC; a program started from it is sealed. The keeper starts the supervisor
// this way.
Result<Fd> open_sealed(const std::string& path);
// Executes this program again, with the same arguments, from a sealed descriptor; returns at once if it is already
// sealed. Call it at the top of main, while there is one thread, in programs that start containers and may not have
// been started sealed.
Result<> reexec_sealed(char** argv, char** environment);

}  // namespace consort::runtime

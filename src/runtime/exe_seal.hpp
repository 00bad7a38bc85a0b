// Our own binary must not be writable for a container (CVE-2019-5736). A container's first process is a copy of the
// program that starts it, so for a moment /proc/PID/exe inside the container is our file, and root in there is root of
// the file.
//
// The answer costs no memory: the program runs from a descriptor that was opened through a detached, read-only bind
// mount of its file. Whoever reopens /proc/PID/exe for writing gets EROFS, forever, and no mount namespace holds that
// mount, so nobody can remount it. Where bind mounts are not allowed, a sealed memfd copy does the same for the size of
// the file.
#pragma once

#include <string>

#include "base/error.hpp"
#include "base/os/fd.hpp"

namespace consort::runtime {

bool running_sealed();
// A descriptor for fexecve of `path`. O_CLOEXEC; a program started from it is sealed. The keeper starts the supervisor
// so.
Result<Fd> open_sealed(const std::string& path);
// Executes this program again with the same arguments from a sealed descriptor; returns at once if it is sealed
// already. Only while there is one thread, at the top of main: whatever starts containers and was not started sealed.
Result<> reexec_sealed(char** argv, char** environment);

}  // namespace consort::runtime

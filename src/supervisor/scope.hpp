// Puts a project's supervisor into a systemd unit of its own, so that it outlives the login session or service in which
// the command ran, with a cgroup that is delegated to it (docs/decisions/0060).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort::supervisor {

// "consort-PROJECT-PID.scope", with '_' for characters that are invalid in unit names.
std::string scope_name(std::string_view project, pid_t pid);

// Moves a process of ours into a new scope, and on cgroup v2 into a leaf of it, next to which containers may have their
// cgroups (runtime::delegated_group). A rootless user gets a scope of that user's own systemd, which delegates cgroups
// on version 2 only. Does nothing if systemd is not process 1. After an error, the process is where it was, or in the
// scope; it works in both places.
Result<> enter_scope(const std::string& project, pid_t pid);

}  // namespace consort::supervisor

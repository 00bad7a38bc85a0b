// A unit of systemd's own for a project's supervisor, so that it outlives the login session or service in which the
// command ran, and a cgroup that is delegated to it (docs/decisions/0060).
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/error.hpp"

namespace consort::supervisor {

// "consort-PROJECT-PID.scope", with characters that a unit's name can't have written as '_'.
std::string scope_name(std::string_view project, pid_t pid);

// Puts a process of ours into a new scope, and on cgroup v2 into a leaf of it, next to which containers may have their
// groups (runtime::delegated_group). Of a user who is root in a namespace it is a scope of that user's own systemd,
// which hands cgroups down to users on version 2 only. Does nothing where systemd is not process 1 of this machine. An
// error leaves the process where it was, or in the scope; it works there too.
Result<> enter_scope(const std::string& project, pid_t pid);

}  // namespace consort::supervisor

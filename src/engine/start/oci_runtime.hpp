// Finds the installed OCI runtime that a service's `runtime:` names.
//
// A Compose file may come from a cloned repository, and this program runs as root: so a file can only choose among
// runtimes that the administrator has registered in Docker's daemon.json or installed, never give a path.
#pragma once

#include <string>

#include "base/error.hpp"

namespace consort::engine {

inline constexpr const char* docker_daemon_path = "/etc/docker/daemon.json";

// The built-in runtime: no name, "consort", or Docker's name for its default.
bool is_own_runtime(const std::string& name);

// The absolute path of the program; "" for the built-in runtime. Looks in `runtimes` of the daemon.json, then for known
// runtimes in the system's program directories. Code::invalid in Docker's words for every other name, including paths.
Result<std::string> runtime_program(const std::string& name, const std::string& daemon_json = docker_daemon_path);

}  // namespace consort::engine

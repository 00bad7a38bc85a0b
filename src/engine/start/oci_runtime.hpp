// The installed OCI runtime that `runtime:` of a service names.
//
// A Compose file comes with whatever somebody has cloned, and the program runs as root: so a file can only choose among
// what the machine's administrator has registered in Docker's daemon.json or installed, never give a path.
#pragma once

#include <string>

#include "base/error.hpp"

namespace consort::engine {

inline constexpr const char* docker_daemon_path = "/etc/docker/daemon.json";

// Our own: no name, "consort", or Docker's name for the default.
bool is_own_runtime(const std::string& name);

// The absolute path of the program; "" for our own. First what `runtimes` of the daemon.json registers, then the known
// runtimes in the system's directories of programs. Code::invalid in Docker's words for every other name, a path
// included.
Result<std::string> runtime_program(const std::string& name, const std::string& daemon_json = docker_daemon_path);

}  // namespace consort::engine

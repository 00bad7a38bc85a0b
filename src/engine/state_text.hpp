// The state of a container in Docker's words, as `ps` and lists show it.
#pragma once

#include <string>

#include "engine/types.hpp"

namespace consort::engine {

// "Up 3 seconds (healthy)", "Exited (143) 1 second ago", "Created".
std::string status_text(const ContainerState& state, SystemTime now);
// For output that requires a number: 0 if the container is running or never ran; 255, as in Docker, if its exit status
// is unknown.
int shown_exit_code(const ContainerState& state);
// "docker-entrypoint.sh postgres": arguments with spaces are quoted, the program is not.
std::string command_line(const Strings& command);
// The exposed ports that port lists show in addition to the published ones: those of a running container on a bridge
// network, as in Docker.
const Strings& shown_exposed(const Container& container);

}  // namespace consort::engine

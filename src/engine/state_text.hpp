// The state of a container in Docker's words, as lists show it.
#pragma once

#include <string>

#include "engine/types.hpp"

namespace consort::engine {

// "Up 3 seconds (healthy)", "Exited (143) 1 second ago", "Created".
std::string status_text(const ContainerState& state, SystemTime now);
// Where there must be a number: 0 of what runs, or never ran; 255, as with Docker, where nobody could see how it ended.
int shown_exit_code(const ContainerState& state);
// "docker-entrypoint.sh postgres": arguments with blanks in quotes, the program as it is.
std::string command_line(const Strings& command);
// The exposed ports that lists of ports show besides the published ones: Docker's bridges tell of it, and no other
// driver does.
const Strings& shown_exposed(const Container& container);

}  // namespace consort::engine

// Settings of the docker command that also apply to our commands: $DOCKER_CONFIG/config.json, or ~/.docker/config.json.
#pragma once

#include <string>

namespace consort::cli {

// A string from the file ("psFormat", "detachKeys"); "" if it is not set. A file that cannot be read is ignored: it may
// belong to another program, and only contains preferences.
std::string docker_setting(const char* name);

}  // namespace consort::cli

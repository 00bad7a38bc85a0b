// What the docker command's own settings say that is meant for commands as ours: $DOCKER_CONFIG/config.json, or
// ~/.docker/config.json.
#pragma once

#include <string>

namespace consort::cli {

// A text of the file ("psFormat", "detachKeys"); "" if it is not there. A file that cannot be read says nothing: it may
// be left from another program, and is for taste only.
std::string docker_setting(const char* name);

}  // namespace consort::cli

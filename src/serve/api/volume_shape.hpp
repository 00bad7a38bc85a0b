// Converts volumes to the JSON of Docker's API.
#pragma once

#include <map>
#include <string>

#include "base/json.hpp"
#include "engine/engine.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

Json volume_shape(const engine::Volume& volume);
// Whether this socket shows the volume (--project).
bool shows_volume(Call& call, const engine::Volume& volume);
// The number of containers, running or not, that mount each volume; unused volumes are missing.
Result<std::map<std::string, unsigned>> users_of_volumes(engine::Engine& engine);

}  // namespace consort::serve

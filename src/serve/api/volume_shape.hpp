// Volumes as Docker's API shows them.
#pragma once

#include <map>
#include <string>

#include "base/json.hpp"
#include "engine/engine.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

Json volume_shape(const engine::Volume& volume);
// Whether this socket shows it (--project).
bool shows_volume(Call& call, const engine::Volume& volume);
// How many containers mount a volume, running or not; those that nobody mounts are missing.
Result<std::map<std::string, unsigned>> users_of_volumes(engine::Engine& engine);

}  // namespace consort::serve

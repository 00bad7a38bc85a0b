// Converts volumes to the JSON of Docker's API.
#pragma once

#include "base/json.hpp"
#include "engine/engine.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

Json volume_shape(const engine::Volume& volume);
// Whether this socket shows the volume (--project).
bool shows_volume(Call& call, const engine::Volume& volume);

}  // namespace consort::serve

// Volumes as Docker's API shows them.
#pragma once

#include "base/json.hpp"
#include "engine/engine.hpp"
#include "serve/api/call.hpp"

namespace consort::serve {

Json volume_shape(const engine::Volume& volume);
// Whether this socket shows it (--project).
bool shows_volume(Call& call, const engine::Volume& volume);

}  // namespace consort::serve

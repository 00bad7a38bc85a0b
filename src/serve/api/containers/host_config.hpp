// A container's HostConfig, as inspect shows it and as a client can give it back to create the same container again.
#pragma once

#include "base/json.hpp"
#include "engine/engine.hpp"

namespace consort::serve {

// From what the engine knows; for one that a client of the API has made, its own words are put over it (client_note).
Json host_config(const engine::ContainerDetails& container);

}  // namespace consort::serve

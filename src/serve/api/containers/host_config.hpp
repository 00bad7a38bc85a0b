// A container's HostConfig for inspect, which clients can use to create the same container again.
#pragma once

#include "base/json.hpp"
#include "engine/engine.hpp"

namespace consort::serve {

// Built from what the engine knows; for containers created through the API, the client's values (client_note) are then
// applied over it.
Json host_config(const engine::ContainerDetails& container);

}  // namespace consort::serve

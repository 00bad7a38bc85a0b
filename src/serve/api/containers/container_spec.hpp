// Converts a client's request to create a container to the engine's specification.
#pragma once

#include <string>

#include "base/json.hpp"
#include "engine/engine.hpp"
#include "engine/images.hpp"

namespace consort::serve {

// body: of POST /containers/create. What the engine could not detect any more is refused here, with Docker's errors
// (http_error).
Result<engine::ContainerSpec> container_spec(const Json& body);

// -P: publishes each exposed port of the container or its image that is not bound yet, on a free port of the host.
Result<> publish_exposed(engine::ContainerSpec& spec, const image::ImageConfig& image);

// The parts that `update` shares with it.
Result<engine::Resources> resources_of(const Json& host_config);
Result<engine::RestartPolicy> restart_of(const Json& host_config);

}  // namespace consort::serve

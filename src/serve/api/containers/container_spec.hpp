// What a client asks for when it creates a container, in the engine's words.
#pragma once

#include <string>

#include "base/json.hpp"
#include "engine/engine.hpp"
#include "engine/images.hpp"

namespace consort::serve {

// body: of POST /containers/create. Errors are those of Docker (http_error), for what the engine would not see any
// more.
Result<engine::ContainerSpec> container_spec(const Json& body);

// -P: every port that the container or its image exposes and nobody has bound, on any port of the host.
Result<> publish_exposed(engine::ContainerSpec& spec, const image::ImageConfig& image);

// The parts that `update` has in common with it.
Result<engine::Resources> resources_of(const Json& host_config);
Result<engine::RestartPolicy> restart_of(const Json& host_config);

}  // namespace consort::serve

// Converts the networks and ports of a container to create or to connect to another network.
#pragma once

#include <string>

#include "base/json.hpp"
#include "engine/types.hpp"

namespace consort::serve {

// settings: EndpointSettings of Docker's API; may be null or {}.
engine::EndpointSpec endpoint_spec(const std::string& network, const Json& settings);

// host: HostConfig (NetworkMode, PortBindings); endpoints: NetworkingConfig.EndpointsConfig.
Result<> add_networks(engine::ContainerSpec& spec, const Json& host, const Json& endpoints);

}  // namespace consort::serve

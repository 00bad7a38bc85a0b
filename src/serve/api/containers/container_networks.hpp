// The networks and ports of a container that is to be created, or to be connected to one more network.
#pragma once

#include <string>

#include "base/json.hpp"
#include "engine/types.hpp"

namespace consort::serve {

// settings: EndpointSettings as Docker's API has them; null and {} are fine.
engine::EndpointSpec endpoint_spec(const std::string& network, const Json& settings);

// host: HostConfig (NetworkMode, PortBindings); endpoints: NetworkingConfig.EndpointsConfig.
Result<> add_networks(engine::ContainerSpec& spec, const Json& host, const Json& endpoints);

}  // namespace consort::serve

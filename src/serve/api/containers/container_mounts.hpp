// Binds, Mounts and Volumes of a container that is to be created.
#pragma once

#include "base/json.hpp"
#include "engine/types.hpp"

namespace consort::serve {

// host: HostConfig; volumes: {"/path":{}} of Config.
Result<> add_mounts(engine::ContainerSpec& spec, const Json& host, const Json& volumes);

}  // namespace consort::serve

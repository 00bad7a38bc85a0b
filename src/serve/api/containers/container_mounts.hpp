// Converts Binds, Mounts and Volumes of a container to create.
#pragma once

#include "base/json.hpp"
#include "engine/types.hpp"

namespace consort::serve {

// host: HostConfig; volumes: {"/path":{}} from Config.
Result<> add_mounts(engine::ContainerSpec& spec, const Json& host, const Json& volumes);

}  // namespace consort::serve

// The parts of config.json that limit resources and devices.
#pragma once

#include "base/json.hpp"
#include "engine/start/oci.hpp"

namespace consort::engine {

Result<Json> resources_json(const OciInput& input);
Json devices_json(const std::vector<runtime::Device>& devices);

}  // namespace consort::engine

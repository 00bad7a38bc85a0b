// Converts containers to the JSON of Docker's API.
#pragma once

#include <string>

#include "base/json.hpp"
#include "engine/engine.hpp"

namespace consort::serve {

// An entry of GET /containers/json, without sizes.
Json listed_container(const engine::Container& container, SystemTime now);

// Parts of it that GET /containers/{id}/json also has.
Json port_rows(const engine::Container& container);                 // [{IP,PrivatePort,PublicPort,Type}]
Json mount_rows(const engine::Container& container);                // [{Type,Name,Source,Destination,...}]
Json endpoints(const engine::Container& container, Json settings);  // {"net":{...}}, for NetworkSettings.Networks
std::string network_mode(const engine::Container& container);       // "bridge", "host", "lms_default"

}  // namespace consort::serve

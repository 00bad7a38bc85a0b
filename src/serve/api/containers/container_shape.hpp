// Containers as Docker's API shows them.
#pragma once

#include <string>

#include "base/json.hpp"
#include "engine/engine.hpp"

namespace consort::serve {

// Of GET /containers/json, without the sizes.
Json listed_container(const engine::Container& container, SystemTime now);

// Its parts, which GET /containers/{id}/json has as well.
Json port_rows(const engine::Container& container);                 // [{IP,PrivatePort,PublicPort,Type}]
Json mount_rows(const engine::Container& container);                // [{Type,Name,Source,Destination,...}]
Json endpoints(const engine::Container& container, Json settings);  // {"net":{...}}, for NetworkSettings.Networks
std::string network_mode(const engine::Container& container);       // "bridge", "host", "lms_default"

}  // namespace consort::serve

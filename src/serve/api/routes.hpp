// The tables of routes, one function for each file of endpoints.
#pragma once

#include "serve/api/router.hpp"

namespace consort::serve {

std::span<const Route> system_routes();             // system.cpp
std::span<const Route> network_routes();            // networks.cpp
std::span<const Route> volume_routes();             // volumes.cpp
std::span<const Route> transfer_routes();           // transfer.cpp
std::span<const Route> container_list_routes();     // containers_list.cpp
std::span<const Route> container_inspect_routes();  // containers_inspect.cpp

}  // namespace consort::serve

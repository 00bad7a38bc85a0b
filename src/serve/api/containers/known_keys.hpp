// Docker's keys for containers and the types of their values: what is refused in a client's request, and what is stored
// (client_note) and returned to clients, including other ones.
#pragma once

#include <string>

#include "base/json.hpp"

namespace consort::serve {

// For the body of POST /containers/create, and its parts.
Result<> check_container_kinds(const Json& body);
// For the body of POST /containers/{id}/update.
Result<> check_update_kinds(const Json& body);

// For an entry of EndpointsConfig, or EndpointConfig of a network connect. inside: its path in the body.
Result<> check_endpoint_kinds(const Json& endpoint, const std::string& inside);

// Without keys that are null, and without nulls in lists and in maps of strings. Without MaskedPaths and ReadonlyPaths,
// which come from the engine.
Json known_host_config(const Json& said);
// The part of HostConfig that POST /containers/{id}/update changes.
Json known_update(const Json& said);
// For an entry of EndpointsConfig.
Json known_endpoint_config(const Json& said);

}  // namespace consort::serve

// The keys of containers that Docker has, with the kinds of their values: what of a client's words is refused, and what
// is kept and said again (client_note) to programs that may be others than the one that has said it.
#pragma once

#include <string>

#include "base/json.hpp"

namespace consort::serve {

// Of the body of POST /containers/create, and of its parts.
Result<> check_container_kinds(const Json& body);
// Of the body of POST /containers/{id}/update.
Result<> check_update_kinds(const Json& body);

// Of one entry of EndpointsConfig; of network connect, EndpointConfig. inside: where it stands.
Result<> check_endpoint_kinds(const Json& endpoint, const std::string& inside);

// Without keys that are null, and without nulls in lists and in maps of texts. Without MaskedPaths and ReadonlyPaths,
// which are told from what the engine knows.
Json known_host_config(const Json& said);
// Of HostConfig, what POST /containers/{id}/update changes.
Json known_update(const Json& said);
// Of one entry of EndpointsConfig.
Json known_endpoint_config(const Json& said);

}  // namespace consort::serve

// What of a client's words is kept and said again (client_note): keys that Docker has, with values of the kind that
// programs expect there, which may be others than the one that has said it.
#pragma once

#include "base/json.hpp"

namespace consort::serve {

// Without nulls. Without MaskedPaths and ReadonlyPaths, which are told from what the engine knows.
Json known_host_config(const Json& said);
// Of HostConfig, what POST /containers/{id}/update changes.
Json known_update(const Json& said);
// Of one entry of EndpointsConfig.
Json known_endpoint_config(const Json& said);

}  // namespace consort::serve

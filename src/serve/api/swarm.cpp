// What a machine that is in no swarm answers.
#include "serve/api/routes.hpp"

namespace consort::serve {

namespace {

Result<> no_manager(Call&) {
  return fail(http_error(503,
                         "This node is not a swarm manager. Use \"docker swarm init\" or \"docker swarm join\" to "
                         "connect this node to swarm and try again."));
}

Result<> not_in_swarm(Call&) {
  return fail(http_error(503, "This node is not part of a swarm"));
}

Result<> no_swarm_here(Call&) {
  return fail(http_error(501, "swarms are not supported"));
}

constexpr Route table[] = {
    {"GET", "/swarm", no_manager, Access::look},
    {"GET", "/swarm/unlockkey", no_manager, Access::look},
    {"POST", "/swarm/init", no_swarm_here},
    {"POST", "/swarm/join", no_swarm_here},
    {"POST", "/swarm/leave", not_in_swarm, Access::look},
    {"POST", "/swarm/update", no_manager, Access::look},
    {"POST", "/swarm/unlock", not_in_swarm, Access::look},
    {"GET", "/services", no_manager, Access::look},
    {"GET", "/nodes", no_manager, Access::look},
    {"GET", "/secrets", no_manager, Access::look},
    {"GET", "/configs", no_manager, Access::look},
    {"GET", "/tasks", no_manager, Access::look},
    {"POST", "/services/create", no_manager, Access::look},
    {"POST", "/secrets/create", no_manager, Access::look},
    {"POST", "/configs/create", no_manager, Access::look},
    {"GET", "/services/{id}", no_manager, Access::look},
    {"GET", "/services/{id}/logs", no_manager, Access::look},
    {"GET", "/nodes/{id}", no_manager, Access::look},
    {"GET", "/secrets/{id}", no_manager, Access::look},
    {"GET", "/configs/{id}", no_manager, Access::look},
    {"GET", "/tasks/{id}", no_manager, Access::look},
    {"GET", "/tasks/{id}/logs", no_manager, Access::look},
    {"POST", "/services/{id}/update", no_manager, Access::look},
    {"POST", "/nodes/{id}/update", no_manager, Access::look},
    {"POST", "/secrets/{id}/update", no_manager, Access::look},
    {"POST", "/configs/{id}/update", no_manager, Access::look},
    {"DELETE", "/services/{id}", no_manager, Access::look},
    {"DELETE", "/nodes/{id}", no_manager, Access::look},
    {"DELETE", "/secrets/{id}", no_manager, Access::look},
    {"DELETE", "/configs/{id}", no_manager, Access::look},
};

}  // namespace

std::span<const Route> swarm_routes() {
  return table;
}

}  // namespace consort::serve

// The answers of a machine that is not in a swarm.
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
    {"GET", "/swarm", no_manager, Access::look, Reach::project},
    {"GET", "/swarm/unlockkey", no_manager, Access::look, Reach::project},
    {"POST", "/swarm/init", no_swarm_here, Access::change, Reach::project},
    {"POST", "/swarm/join", no_swarm_here, Access::change, Reach::project},
    {"POST", "/swarm/leave", not_in_swarm, Access::look, Reach::project},
    {"POST", "/swarm/update", no_manager, Access::look, Reach::project},
    {"POST", "/swarm/unlock", not_in_swarm, Access::look, Reach::project},
    {"GET", "/services", no_manager, Access::look, Reach::project},
    {"GET", "/nodes", no_manager, Access::look, Reach::project},
    {"GET", "/secrets", no_manager, Access::look, Reach::project},
    {"GET", "/configs", no_manager, Access::look, Reach::project},
    {"GET", "/tasks", no_manager, Access::look, Reach::project},
    {"POST", "/services/create", no_manager, Access::look, Reach::project},
    {"POST", "/secrets/create", no_manager, Access::look, Reach::project},
    {"POST", "/configs/create", no_manager, Access::look, Reach::project},
    {"GET", "/services/{id}", no_manager, Access::look, Reach::project},
    {"GET", "/services/{id}/logs", no_manager, Access::look, Reach::project},
    {"GET", "/nodes/{id}", no_manager, Access::look, Reach::project},
    {"GET", "/secrets/{id}", no_manager, Access::look, Reach::project},
    {"GET", "/configs/{id}", no_manager, Access::look, Reach::project},
    {"GET", "/tasks/{id}", no_manager, Access::look, Reach::project},
    {"GET", "/tasks/{id}/logs", no_manager, Access::look, Reach::project},
    {"POST", "/services/{id}/update", no_manager, Access::look, Reach::project},
    {"POST", "/nodes/{id}/update", no_manager, Access::look, Reach::project},
    {"POST", "/secrets/{id}/update", no_manager, Access::look, Reach::project},
    {"POST", "/configs/{id}/update", no_manager, Access::look, Reach::project},
    {"DELETE", "/services/{id}", no_manager, Access::look, Reach::project},
    {"DELETE", "/nodes/{id}", no_manager, Access::look, Reach::project},
    {"DELETE", "/secrets/{id}", no_manager, Access::look, Reach::project},
    {"DELETE", "/configs/{id}", no_manager, Access::look, Reach::project},
};

}  // namespace

std::span<const Route> swarm_routes() {
  return table;
}

}  // namespace consort::serve

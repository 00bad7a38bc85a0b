#include "engine/networks_in_use.hpp"

namespace consort::engine {

bool is_built_in(const Network& network) {
  return network.spec.driver == "host" || network.spec.driver == "null" || network.spec.name == "bridge";
}

Result<std::set<std::string>> networks_in_use(Engine& engine, Users users) {
  std::set<std::string> used;
  for (const Container& container : TRY(engine.list()))
    if (users == Users::all || container.state.running())
      for (const Endpoint& endpoint : container.networks) used.insert(endpoint.network_id);
  return used;
}

}  // namespace consort::engine

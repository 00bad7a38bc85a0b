#include "engine/in_use.hpp"

namespace consort::engine {

namespace {

bool counts(const Container& container, Users users) {
  return users == Users::all || container.state.running();
}

}  // namespace

bool is_built_in(const Network& network) {
  return network.spec.driver == "host" || network.spec.driver == "null" || network.spec.name == "bridge";
}

Result<std::set<std::string>> networks_in_use(Engine& engine, Users users) {
  std::set<std::string> used;
  for (const Container& container : TRY(engine.list()))
    if (counts(container, users))
      for (const Endpoint& endpoint : container.networks) used.insert(endpoint.network_id);
  return used;
}

Result<std::map<std::string, unsigned>> volumes_in_use(Engine& engine, Users users) {
  std::map<std::string, unsigned> used;
  for (const Container& container : TRY(engine.list())) {
    if (!counts(container, users)) continue;
    std::set<std::string> mounted;
    for (const MountPoint& mount : container.mounts)
      if (mount.type == MountType::volume) mounted.insert(mount.name);
    for (const std::string& name : mounted) ++used[name];
  }
  return used;
}

}  // namespace consort::engine

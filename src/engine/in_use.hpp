// Which networks and volumes are used, and so are never dangling and never pruned. One answer for the command line and
// the API.
#pragma once

#include <map>
#include <set>
#include <string>

#include "engine/engine.hpp"

namespace consort::engine {

// The networks that every machine has ("bridge", "host" and "none"): never dangling, never pruned.
bool is_built_in(const Network& network);

enum class Users : std::uint8_t {
  all,      // including stopped containers, which need their networks when they start again
  running,  // as if the stopped ones had already been removed
};
// IDs of the networks that have an endpoint of such a container.
Result<std::set<std::string>> networks_in_use(Engine& engine, Users users = Users::all);
// How many such containers mount a volume; those that none mounts are missing.
Result<std::map<std::string, unsigned>> volumes_in_use(Engine& engine, Users users = Users::all);

}  // namespace consort::engine

// What is there: one snapshot of the engine, as planning sees it. Values only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/types.hpp"

namespace consort::project {

struct Observed {
  std::vector<engine::Container> containers;  // of the project, one-offs too
  std::vector<engine::Container> hooks;       // of the project: what runs before a service starts, or failed to
  std::vector<engine::Network> networks;      // all that the engine has: a name may be taken by somebody else's
  std::vector<engine::Volume> volumes;        // likewise
  std::map<std::string, std::string> images;  // by image_key: "sha256:..."; absent: not on this machine
  // Containers that are not of the project and have a name that its file gives to one of its own.
  std::map<std::string, engine::Container> taken_names;

  const engine::Network* network(const std::string& name) const {
    for (const engine::Network& each : networks)
      if (each.spec.name == name) return &each;
    return nullptr;
  }
  const engine::Volume* volume(const std::string& name) const {
    for (const engine::Volume& each : volumes)
      if (each.spec.name == name) return &each;
    return nullptr;
  }
};

}  // namespace consort::project

// The current state: one snapshot of the engine for planning. Values only.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "engine/types.hpp"

namespace consort::project {

struct Observed {
  std::vector<engine::Container> containers;  // the project's, including one-off containers
  std::vector<engine::Container> hooks;       // the project's pre_start containers, running or failed
  std::vector<engine::Network> networks;      // all of the engine's: a name may belong to another project
  std::vector<engine::Volume> volumes;        // all of the engine's
  std::map<std::string, std::string> images;  // by image_key: "sha256:..."; absent: not on this machine
  // Containers outside the project whose name the file gives to one of its own.
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

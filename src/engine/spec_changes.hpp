// Differences between two containers or networks, for display.
#pragma once

#include <string>
#include <vector>

#include "engine/types.hpp"

namespace consort::engine {

struct SpecChange {
  std::string setting;        // its Compose name: "environment.PORT", "volumes:/data"
  std::string before, after;  // "": not set
  bool secret = false;        // its name or value looks like a secret: before and after are empty
};

// Sorted by setting. File contents, Compose's own labels and values chosen by the engine are left out.
std::vector<SpecChange> changes_between(const ContainerSpec& before, const ContainerSpec& after);
// Subnets chosen by the engine do not count as settings.
std::vector<SpecChange> changes_between(const NetworkSpec& before, const NetworkSpec& after);

}  // namespace consort::engine

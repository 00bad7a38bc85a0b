// The differences between two containers or networks, for people.
#pragma once

#include <string>
#include <vector>

#include "engine/types.hpp"

namespace consort::engine {

struct SpecChange {
  std::string setting;        // in Compose's words: "environment.PORT", "volumes:/data"
  std::string before, after;  // "": there is none
  bool secret =
      false;  // by its name, or by a login in a value: the texts are empty, and whether it was there is not told
};

// By setting. Content of files, labels of Compose itself and what the engine chooses is left out.
std::vector<SpecChange> changes_between(const ContainerSpec& before, const ContainerSpec& after);
// Subnets chosen by the engine are not settings.
std::vector<SpecChange> changes_between(const NetworkSpec& before, const NetworkSpec& after);

}  // namespace consort::engine

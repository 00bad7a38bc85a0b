// Finds other firewalls that drop containers' packets, and what would let these pass.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace consort {

struct FirewallObstacle {
  std::string found, command;
};
// Checks the bridges that exist now, in the caller's network namespace. Ignores DOCKER-USER and ufw's chain, where our
// bridges are allowed anyway.
Result<std::vector<FirewallObstacle>> firewall_obstacles();

}  // namespace consort

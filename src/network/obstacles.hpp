// Finds other firewalls that drop containers' packets, and what would let these pass.
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"

namespace consort {

struct FirewallObstacle {
  std::string found, command;
};
// In the network namespace of the caller, of the bridges that are there now. An error if our own rules cannot be made
// with this kernel. Without DOCKER-USER and ufw's chain, in
// which our bridges are let through anyway.
Result<std::vector<FirewallObstacle>> firewall_obstacles();

}  // namespace consort

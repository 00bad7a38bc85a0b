// Describes who can reach a published port.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/types.hpp"

namespace consort::engine {

// host_ip: the address the port is bound to. Returns "this machine only", "everyone who can reach this machine", or a
// description of who reaches that address.
std::string reach_of(std::string_view host_ip);

struct ReachedPort {
  std::string container;  // its name
  std::string service;
  std::string port;  // "8080->80/tcp"
  std::string reach;
};
// For running containers, in their order: each port once for each reach, however many addresses it is bound to.
std::vector<ReachedPort> reached_ports(const std::vector<Container>& containers);

}  // namespace consort::engine

// Who can reach a published port.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "engine/types.hpp"

namespace consort::engine {

// host_ip: what the port is bound to. "this machine only", "everyone who can reach this machine", or who reaches that
// address.
std::string reach_of(std::string_view host_ip);

struct ReachedPort {
  std::string container;  // its name
  std::string service;
  std::string port;  // "8080->80/tcp"
  std::string reach;
};
// Of those that run, each port once, however many addresses of one reach it is bound to; in the order of the
// containers.
std::vector<ReachedPort> reached_ports(const std::vector<Container>& containers);

}  // namespace consort::engine

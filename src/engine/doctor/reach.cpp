#include "engine/reach.hpp"

#include <algorithm>

#include "network/address.hpp"

namespace consort::engine {

namespace {

bool is_any(std::string_view host_ip) {
  return host_ip.empty() || host_ip == "0.0.0.0" || host_ip == "::";
}

bool is_loopback(std::string_view host_ip) {
  const auto address = Address::parse(host_ip);
  return address && address->is_loopback();
}

}  // namespace

std::string reach_of(std::string_view host_ip) {
  if (is_any(host_ip)) return "everyone who can reach this machine";
  if (is_loopback(host_ip)) return "this machine only";
  return "everyone who can reach " + std::string(host_ip);
}

namespace {

// For a network whose ports are open at the container's own address, the host port is 0.
ReachedPort reached(const Container& container, const BoundPort& bound) {
  const std::string inner = std::to_string(bound.container_port) + "/" + bound.protocol;
  if (bound.host_port == 0)
    return {container.name, container.service, inner, "everyone with a route to the container's network"};
  return {container.name, container.service, std::to_string(bound.host_port) + "->" + inner, reach_of(bound.host_ip)};
}

}  // namespace

std::vector<ReachedPort> reached_ports(const std::vector<Container>& containers) {
  std::vector<ReachedPort> all;
  for (const Container& container : containers) {
    const auto first = static_cast<std::ptrdiff_t>(all.size());
    for (const BoundPort& bound : container.state.ports) {
      ReachedPort port = reached(container, bound);
      const bool known = std::any_of(all.begin() + first, all.end(), [&](const ReachedPort& other) {
        return other.port == port.port && other.reach == port.reach;
      });
      if (!known) all.push_back(std::move(port));
    }
  }
  return all;
}

}  // namespace consort::engine

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
  if (is_any(host_ip)) return "everyone who reaches this machine";
  if (is_loopback(host_ip)) return "this machine only";
  return "everyone who reaches " + std::string(host_ip);
}

std::vector<ReachedPort> reached_ports(const std::vector<Container>& containers) {
  std::vector<ReachedPort> all;
  for (const Container& container : containers) {
    const auto first = static_cast<std::ptrdiff_t>(all.size());
    for (const BoundPort& bound : container.state.ports) {
      ReachedPort reached{
          container.name, container.service,
          std::to_string(bound.host_port) + "->" + std::to_string(bound.container_port) + "/" + bound.protocol,
          reach_of(bound.host_ip)};
      const bool known = std::any_of(all.begin() + first, all.end(), [&](const ReachedPort& other) {
        return other.port == reached.port && other.reach == reached.reach;
      });
      if (!known) all.push_back(std::move(reached));
    }
  }
  return all;
}

}  // namespace consort::engine

// Checks and reads a network's driver and options, named as for Docker's network drivers.
#pragma once

#include <optional>
#include <string>

#include "engine/types.hpp"
#include "network/address.hpp"

namespace consort::engine {

// For a network that is to be created. Does not check whether the host interfaces it names exist.
Result<> check_network_options(const NetworkSpec& spec);

// The functions below expect a network that has passed the check.
std::string network_option(const NetworkSpec& spec, const char* name);  // without "com.docker.network."; "" = unset

enum class GatewayMode : std::uint8_t {
  nat,              // published ports are on the host; outgoing traffic has the host's address
  routed,           // the subnet is routed to this host: published ports are open at the container's own address
  nat_unprotected,  // like nat, and all ports are open at the container's own address
  isolated,         // internal: the host itself has no address on the network
};
GatewayMode gateway_mode(const NetworkSpec& spec, Family family);

// Does outgoing traffic get the host's address?
bool masquerades(const NetworkSpec& spec);

// Does the bridge have the gateway's address, rather than something else that is connected to it?
bool bridge_has_gateway(const NetworkSpec& spec, Family family);

// For a network that puts its containers on the host's own network: macvlan and ipvlan.
struct FaceOf {
  std::string parent;  // interface of the host
  std::string mode;
};
std::optional<FaceOf> face_of(const NetworkSpec& spec);  // nullopt: it is a bridge

}  // namespace consort::engine

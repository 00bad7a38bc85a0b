// The driver of a network and its options, in the words of Docker's drivers.
#pragma once

#include <optional>
#include <string>

#include "engine/types.hpp"
#include "network/address.hpp"

namespace consort::engine {

// Of one that is to be created. Whether the interfaces that it names are there is not asked.
Result<> check_network_options(const NetworkSpec& spec);

// All of these are of a network that has passed the check.
std::string network_option(const NetworkSpec& spec, const char* name);  // without "com.docker.network."; "" = unset

enum class GatewayMode : std::uint8_t {
  nat,              // published ports are the host's; the way out has the host's address
  routed,           // others route the subnet to this host: published ports are open at the container's own address
  nat_unprotected,  // as nat, and all ports are open at the container's own address
  isolated,         // internal: the host itself has no address on it
};
GatewayMode gateway_mode(const NetworkSpec& spec, Family family);

// Does what leaves the network have the host's address?
bool masquerades(const NetworkSpec& spec);

// Does the bridge have the gateway's address, or somebody else who is connected to it?
bool bridge_has_gateway(const NetworkSpec& spec, Family family);

// Of a network whose containers are on the host's own network: macvlan and ipvlan.
struct FaceOf {
  std::string parent;  // an interface of the host
  std::string mode;
};
std::optional<FaceOf> face_of(const NetworkSpec& spec);  // nullopt: it is a bridge

}  // namespace consort::engine

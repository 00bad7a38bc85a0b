// Chooses the subnet of a network and the address of an endpoint. Pure functions, except host_subnets().
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "network/address.hpp"

namespace consort {

enum class PoolUse : std::uint8_t {
  default_bridge,  // tries 172.17.0.0/16 first
  user_network,    // never 172.17.0.0/16, which is reserved for the default bridge
};

// The interface of the default bridge, for containers with network_mode "bridge".
inline constexpr std::string_view default_bridge = "consort0";

// The first subnet of the default pools that overlaps none of `used` (networks and host routes): 172.18.0.0/16 to
// 172.31.0.0/16, then 192.168.0.0/20, 192.168.16.0/20, ... Code::conflict if all are taken.
Result<Subnet> choose_subnet(std::span<const Subnet> used, PoolUse use);

// A unique local /64 (RFC 4193) derived from `seed`, the network's ID, so a network always gets the same one.
Result<Subnet> choose_ula_subnet(std::span<const Subnet> used, std::string_view seed);

// Checks a subnet from the user: Code::conflict with Docker's text if it overlaps one of `used`.
Result<> check_subnet(const Subnet& wanted, std::span<const Subnet> used);

struct AddressRequest {
  Subnet subnet;
  std::optional<Subnet> ip_range;     // choose only from here
  std::optional<Address> gateway;     // never assigned
  std::span<const Address> reserved;  // leases and aux_addresses, in any order
};
// The first address of the subnet that can be the gateway: base + 1.
Address default_gateway(const Subnet& subnet);
// The lowest free address. Skips the base, gateway, broadcast and reserved ones. Code::conflict if none is left.
Result<Address> choose_address(const AddressRequest& request);
// Checks a static address: Code::invalid outside the subnet, Code::conflict "Address already in use" if it is taken.
Result<> check_address(const AddressRequest& request, const Address& wanted);

// The subnets in this host's routing tables, of both families, without default routes.
Result<std::vector<Subnet>> host_subnets();

}  // namespace consort

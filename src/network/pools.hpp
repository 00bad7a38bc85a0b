// Which subnet a network gets, and which address an endpoint gets: pure functions.
#pragma once

#include <optional>
#include <span>
#include <string_view>
#include <vector>

#include "network/address.hpp"

namespace consort {

enum class PoolUse : std::uint8_t {
  default_bridge,  // tries 172.17.0.0/16 first
  user_network,    // never 172.17.0.0/16, which belongs to the default bridge
};

// The interface of the default bridge, where containers with network_mode "bridge" are.
inline constexpr std::string_view default_bridge = "consort0";

// The first subnet of the default pools that overlaps none of `used` (networks and host routes alike):
// 172.18.0.0/16 to 172.31.0.0/16, then 192.168.0.0/20, 192.168.16.0/20, ... Code::conflict when all are taken.
Result<Subnet> choose_subnet(std::span<const Subnet> used, PoolUse use);

// A unique local /64 (RFC 4193) derived from `seed`, which is the network's id: the same network asks for the same one.
Result<Subnet> choose_ula_subnet(std::span<const Subnet> used, std::string_view seed);

// A subnet that the user gave: Code::conflict with Docker's words if it overlaps one of `used`.
Result<> check_subnet(const Subnet& wanted, std::span<const Subnet> used);

struct AddressRequest {
  Subnet subnet;
  std::optional<Subnet> ip_range;     // choose only here
  std::optional<Address> gateway;     // never given out
  std::span<const Address> reserved;  // leases and aux_addresses, in any order
};
// The first address of the subnet that can be the gateway: base + 1.
Address default_gateway(const Subnet& subnet);
// The lowest free one. Base, gateway, broadcast and reserved ones are skipped. Code::conflict when none is left.
Result<Address> choose_address(const AddressRequest& request);
// A static address: Code::invalid outside the subnet, Code::conflict "Address already in use" when it is taken.
Result<> check_address(const AddressRequest& request, const Address& wanted);

// The subnets that this host routes to, other than by default: from its routing tables, both families.
Result<std::vector<Subnet>> host_subnets();

}  // namespace consort

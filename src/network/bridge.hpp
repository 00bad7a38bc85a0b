// A network on this host: a Linux bridge with the gateways' addresses, and its place in our firewall tables.
// All calls here block for a few system calls and are meant for the command's process, not for the supervisor.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "network/address.hpp"
#include "network/firewall.hpp"

namespace consort {

struct BridgeAddress {
  Subnet subnet;
  Address gateway;
  bool on_bridge = true;  // else somebody else on that network has it
};

struct BridgeNetwork {
  std::string network_id;  // 64 hex digits
  std::string name;        // for messages and the link's alias
  std::string bridge;      // interface name, see bridge_name(); 15 bytes at most
  std::vector<BridgeAddress> addresses;
  bool internal = false;   // no way out, no way in from other networks
  bool masquerade = true;  // hide the subnet behind the host's address on the way out
  DirectAccess direct4 = DirectAccess::none, direct6 = DirectAccess::none;
  std::uint32_t mtu = 1500;
  // Whose it is: the data root. Several users of this host (a test suite and the real thing) must not sweep each
  // other's bridges away.
  std::string owner;
};

// The address that this host has towards the outside, in the network of the caller; "" without a way out.
std::string way_out_address();
// How large packets may be on the way there, in bytes: a tunnel carries less than a bridge would. 0: no way out.
std::uint32_t way_out_mtu();

std::string bridge_name(std::string_view network_id);  // "br-" and the first 12 digits
// 1 to 15 printable characters without those that mean something to the kernel: spaces, '/', ':' and '%'.
bool is_interface_name(std::string_view name);

// True when the network's bridge is there as create_bridge left it. Code::conflict: the name belongs to an interface
// that is not this network's, be it the host's, another network's or another data root's. No name makes us use, change
// or remove such a one.
Result<bool> has_bridge(const BridgeNetwork& network);

// Makes the bridge, its addresses and its firewall elements, or completes what is there; turns IP forwarding on. Cheap
// when nothing is missing (some 0.2 ms), so call it before every start: it also repairs a firewall that somebody has
// flushed. A failure takes back what this call made. Code::conflict as has_bridge().
Result<> create_bridge(const BridgeNetwork& network);
// Takes everything away that create_bridge made, whatever is left of it, and our ends of veth pairs on it. Errors are
// collected; gone is success, and so is an interface of the name that does not carry this network's mark: it stays.
// About 40 ms, in which the kernel waits for its own readers.
Result<> remove_bridge(const BridgeNetwork& network);

// Removes the owner's bridges that are not in `keep` (bridge names), the veth ends on them, and the firewall elements
// of bridges that are gone. Returns the names of the links that it removed.
Result<std::vector<std::string>> sweep_host(const std::string& owner, std::span<const std::string> keep);

}  // namespace consort

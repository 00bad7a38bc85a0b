// A network on this host: a Linux bridge with the gateways' addresses, and its elements in our firewall table. All
// calls block for a few system calls; they are meant for the command's process, not for the supervisor.
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
  bool on_bridge = true;  // false: another host on that network has it
};

struct BridgeNetwork {
  std::string network_id;  // 64 hex digits
  std::string name;        // for messages and the link's alias
  std::string bridge;      // interface name, see bridge_name(); 15 bytes at most
  std::vector<BridgeAddress> addresses;
  bool internal = false;   // no access to or from other networks
  bool masquerade = true;  // outgoing packets get the host's address
  DirectAccess direct4 = DirectAccess::none, direct6 = DirectAccess::none;
  std::uint32_t mtu = 1500;
  // The data root that owns the bridge. Several users of this host (a test suite and a real installation) must not
  // sweep each other's bridges.
  std::string owner;
};

// The host's outgoing address in the caller's network namespace; "" without a default route.
std::string way_out_address();
// The MTU of that route in bytes, which is smaller than a bridge's if it goes through a tunnel. 0: no default route.
std::uint32_t way_out_mtu();

std::string bridge_name(std::string_view network_id);  // "br-" followed by the first 12 digits
// Whether it has 1 to 15 printable characters, without those that are special to the kernel: spaces, '/', ':' and '%'.
bool is_interface_name(std::string_view name);

// Whether the network's bridge exists as create_bridge left it. Code::conflict: the name belongs to another interface,
// whether the host's, another network's or another data root's. Such an interface is never used, changed or removed,
// whatever its name.
Result<bool> has_bridge(const BridgeNetwork& network);

// Creates the bridge, its addresses and its firewall elements, or completes what exists, and turns on IP forwarding.
// Cheap if nothing is missing (some 0.2 ms), so call it before every start: it also repairs a firewall that somebody
// has flushed. A failure undoes what this call created. Code::conflict as for has_bridge().
Result<> create_bridge(const BridgeNetwork& network);
// Removes everything that create_bridge made, however much is left of it, and our ends of veth pairs on it. Collects
// errors. Succeeds if it is already gone; an interface of the same name without this network's mark is kept. Takes
// about 40 ms, in which the kernel waits for an RCU grace period.
Result<> remove_bridge(const BridgeNetwork& network);

// Removes the owner's bridges that are not in `keep` (bridge names), the veth ends on them, and the firewall elements
// of bridges that no longer exist. Returns the names of the removed links.
Result<std::vector<std::string>> sweep_host(const std::string& owner, std::span<const std::string> keep);

}  // namespace consort

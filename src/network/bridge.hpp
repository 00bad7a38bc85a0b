// A network on this host: a Linux bridge with the gateways' addresses, and its place in our firewall tables.
// All calls here block for a few system calls and are meant for the command's process, not for the supervisor.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "network/address.hpp"

namespace consort {

struct BridgeAddress {
  Subnet subnet;
  Address gateway;  // the bridge carries it
};

struct BridgeNetwork {
  std::string network_id;  // 64 hex digits
  std::string name;        // for messages and the link's alias
  std::string bridge;      // interface name, see bridge_name(); 15 bytes at most
  std::vector<BridgeAddress> addresses;
  bool internal = false;   // no way out, no way in from other networks
  bool masquerade = true;  // hide the subnet behind the host's address on the way out
  std::uint32_t mtu = 1500;
};

std::string bridge_name(std::string_view network_id);  // "br-" and the first 12 digits

// Makes the bridge, its addresses and its firewall elements, or completes what is there; turns IP forwarding on. Cheap
// when nothing is missing (some 0.2 ms), so call it before every start: it also repairs a firewall that somebody has
// flushed. A failure takes back what this call made.
Result<> create_bridge(const BridgeNetwork& network);
// Takes everything away that create_bridge made, whatever is left of it, and our ends of cables on it. Errors are
// collected; gone is success. Several at once cost as much time as one (about 40 ms, in which the kernel waits for its
// own readers).
Result<> remove_bridges(std::span<const std::string> bridges);
inline Result<> remove_bridge(const std::string& bridge) {
  return remove_bridges({&bridge, 1});
}
Result<bool> bridge_exists(std::string_view bridge);

// Removes our bridges and veth ends that do not belong to `keep` (bridge names), with their firewall elements.
// Returns the names of what it removed.
Result<std::vector<std::string>> sweep_host(std::span<const std::string> keep);

}  // namespace consort

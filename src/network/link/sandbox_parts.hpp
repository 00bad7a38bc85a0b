// Code shared by creating and changing a sandbox.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "network/link/rtnetlink.hpp"
#include "network/sandbox.hpp"

namespace consort {

struct HostLink::State {
  Fd home;                 // the namespace with the bridges
  netlink::Socket routes;  // bound to that namespace, wherever this thread is
};

namespace sandbox_parts {

Result<> write_sysctl(const std::string& path, std::string_view value);
bool has_ipv6(std::span<const Endpoint> endpoints);
// Enables IPv6 on an existing interface if the endpoint has an IPv6 address, else disables it, in the caller's
// namespace.
Result<> switch_ipv6(const Endpoint& endpoint);

// Creates the veth pairs. The names of the host ends are added to host_links before they are created. Endpoints with a
// parent have no host end.
Result<> make_links(netlink::Socket& host, std::span<const Endpoint> endpoints, int netns,
                    std::vector<std::string>& host_links);
// Assigns the addresses and brings the interface up.
void bring_up(netlink::Batch& batch, int index, const Endpoint& endpoint);

// The endpoints whose gateways are the default routes; null: none.
struct WaysOut {
  const Endpoint* ipv4 = nullptr;
  const Endpoint* ipv6 = nullptr;
};
WaysOut ways_out(std::span<const Endpoint> endpoints);

}  // namespace sandbox_parts
}  // namespace consort

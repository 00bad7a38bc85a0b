// What making a sandbox and changing one have in common.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "network/link/rtnetlink.hpp"
#include "network/sandbox.hpp"

namespace consort {

struct HostLink::State {
  Fd home;                 // the namespace in which the bridges are
  netlink::Socket routes;  // into that namespace, wherever this thread is
};

namespace sandbox_parts {

Result<> write_sysctl(const std::string& path, std::string_view value);
bool has_ipv6(std::span<const Endpoint> endpoints);
// Of an interface that is there: on if the endpoint has an address for it. In the namespace of the caller.
Result<> switch_ipv6(const Endpoint& endpoint);

// The veth pairs; the names of their ends on the host are added to host_links, before they are made. Those with a
// parent have no such end.
Result<> make_links(netlink::Socket& host, std::span<const Endpoint> endpoints, int netns,
                    std::vector<std::string>& host_links);
// Addresses, and up.
void bring_up(netlink::Batch& batch, int index, const Endpoint& endpoint);

// Whose gateways are the default routes; null: nobody's.
struct WaysOut {
  const Endpoint* ipv4 = nullptr;
  const Endpoint* ipv6 = nullptr;
};
WaysOut ways_out(std::span<const Endpoint> endpoints);

}  // namespace sandbox_parts
}  // namespace consort

// The kernel's memory of UDP flows. A flow that it knows keeps the redirection it began with (or began without),
// however often the rules change; a client that never stops sending from one port would talk to a container of
// yesterday.
#pragma once

#include <span>

#include "network/firewall.hpp"
#include "network/link/netlink.hpp"

namespace consort::conntrack {

// Forgets the UDP flows to the redirected ports of this host, wherever they lead. `netfilter` is a NETLINK_NETFILTER
// socket.
Result<> forget_flows(netlink::Socket& netfilter, std::span<const Redirect> redirects);

}  // namespace consort::conntrack

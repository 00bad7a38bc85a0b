#include "network/link/sandbox_parts.hpp"

#include <fcntl.h>

#include <algorithm>

namespace consort::sandbox_parts {

using netlink::Batch;
using netlink::Socket;

namespace {

Result<MacAddress> mac_of(const Endpoint& endpoint) {
  if (endpoint.mac) return *endpoint.mac;
  if (endpoint.ipv4) return MacAddress::of(endpoint.ipv4->address);
  return MacAddress::random();
}

// The endpoint with the default route or, if its network has no IPv6, the first one with IPv6.
const Endpoint* ipv6_way_out(std::span<const Endpoint> endpoints) {
  const Endpoint* found = nullptr;
  for (const Endpoint& endpoint : endpoints) {
    if (endpoint.internal || !endpoint.ipv6 || !endpoint.gateway6) continue;
    if (endpoint.default_route) return &endpoint;
    if (!found) found = &endpoint;
  }
  return found;
}

}  // namespace

Result<> write_sysctl(const std::string& path, std::string_view value) {
  const Fd fd = TRY(open_file(path, O_WRONLY));
  return write_full(fd.get(), value);
}

bool has_ipv6(std::span<const Endpoint> endpoints) {
  return std::ranges::any_of(endpoints, [](const Endpoint& endpoint) { return endpoint.ipv6.has_value(); });
}

Result<> switch_ipv6(const Endpoint& endpoint) {
  const Result<> written =
      write_sysctl("/proc/sys/net/ipv6/conf/" + endpoint.ifname + "/disable_ipv6", endpoint.ipv6 ? "0" : "1");
  // A kernel without IPv6 has nothing to disable.
  if (!written && endpoint.ipv6) return fail(Error(Code::io, "turn on IPv6").why(written.error().message()));
  return {};
}

namespace {

rtnetlink::MacvlanMode macvlan_mode(const std::string& text) {
  if (text == "private") return rtnetlink::MacvlanMode::own;
  if (text == "vepa") return rtnetlink::MacvlanMode::vepa;
  if (text == "passthru") return rtnetlink::MacvlanMode::passthru;
  return rtnetlink::MacvlanMode::bridge;
}

Result<> add_face(Socket& host, Batch& batch, const Endpoint& endpoint, int netns) {
  const std::optional<rtnetlink::Link> parent = TRY(rtnetlink::find_link(host, endpoint.parent));
  if (!parent)
    return fail(Error(Code::not_found, "connect to network " + endpoint.network_name)
                    .why("its parent interface " + endpoint.parent + " is not there"));
  rtnetlink::Face face;
  face.name = endpoint.ifname;
  face.parent = parent->index;
  face.netns = netns;
  face.mac = TRY(mac_of(endpoint));
  face.mtu = endpoint.mtu;
  if (endpoint.driver == "ipvlan")
    rtnetlink::add_ipvlan(batch, face);
  else
    rtnetlink::add_macvlan(batch, face, macvlan_mode(endpoint.mode));
  return {};
}

}  // namespace

Result<> make_links(Socket& host, std::span<const Endpoint> endpoints, int netns,
                    std::vector<std::string>& host_links) {
  Batch batch;
  for (const Endpoint& endpoint : endpoints) {
    if (!endpoint.parent.empty()) {
      TRY(add_face(host, batch, endpoint, netns));
      continue;
    }
    rtnetlink::Veth veth;
    if (!endpoint.bridge.empty()) {
      const std::optional<rtnetlink::Link> bridge = TRY(rtnetlink::find_link(host, endpoint.bridge));
      if (!bridge)
        return fail(Error(Code::not_found, "connect to network " + endpoint.network_name)
                        .why("its bridge " + endpoint.bridge + " is gone")
                        .hint("`up` makes it again"));
      veth.master = bridge->index;
      veth.mtu = bridge->mtu;
    }
    if (endpoint.mtu != 0) veth.mtu = endpoint.mtu;
    veth.host_name = endpoint.host_ifname.empty() ? TRY(random_link_name()) : endpoint.host_ifname;
    veth.peer_name = endpoint.ifname;
    veth.peer_netns = netns;
    veth.peer_mac = TRY(mac_of(endpoint));
    rtnetlink::add_veth(batch, veth);
    if (endpoint.isolated && veth.master != 0) rtnetlink::isolate_port(batch, veth.host_name);
    host_links.push_back(veth.host_name);
  }
  return host.transact(batch);
}

void bring_up(Batch& batch, int index, const Endpoint& endpoint) {
  // The addresses first: bringing the interface up announces them (arp_notify).
  if (endpoint.ipv4) rtnetlink::add_address(batch, index, *endpoint.ipv4);
  if (endpoint.ipv6) rtnetlink::add_address(batch, index, *endpoint.ipv6);
  for (const InterfaceAddress& more : endpoint.more_addresses) rtnetlink::add_address(batch, index, more);
  rtnetlink::set_link_up(batch, endpoint.ifname);
}

WaysOut ways_out(std::span<const Endpoint> endpoints) {
  WaysOut ways;
  for (const Endpoint& endpoint : endpoints)
    if (endpoint.default_route && !endpoint.internal && endpoint.gateway4) ways.ipv4 = &endpoint;
  ways.ipv6 = ipv6_way_out(endpoints);
  return ways;
}

}  // namespace consort::sandbox_parts

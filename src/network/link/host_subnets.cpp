#include <linux/rtnetlink.h>
#include <netinet/in.h>

#include <algorithm>
#include <cstring>

#include "network/bridge.hpp"
#include "network/dns.hpp"
#include "network/link/rtnetlink.hpp"
#include "network/link/socket_address.hpp"
#include "network/pools.hpp"

namespace consort {

Result<std::vector<Subnet>> host_subnets() {
  netlink::Socket socket = TRY(netlink::Socket::open(NETLINK_ROUTE));
  netlink::Batch batch;
  batch.begin(RTM_GETROUTE, NLM_F_REQUEST | NLM_F_DUMP, "list routes");
  batch.append(rtmsg{});
  std::vector<Subnet> subnets;
  TRY(socket.dump(batch, [&](const netlink::Received& message) {
    rtmsg header{};
    if (message.payload.size() < sizeof header) return;
    std::memcpy(&header, message.payload.data(), sizeof header);
    if (header.rtm_family != AF_INET && header.rtm_family != AF_INET6) return;
    // Local and broadcast routes repeat the connected ones; multicast routes occupy no subnet.
    if (header.rtm_type != RTN_UNICAST || header.rtm_dst_len == 0) return;
    const Family family = header.rtm_family == AF_INET ? Family::v4 : Family::v6;
    netlink::for_each_attribute(message.attributes(sizeof header), [&](const netlink::Attribute& attribute) {
      if (attribute.type != RTA_DST || attribute.bytes.size() != Address::any(family).size()) return;
      const Subnet subnet(Address::from_bytes(family, attribute.bytes.data()), header.rtm_dst_len);
      const bool link_local = family == Family::v6 && subnet.base().data()[0] == 0xfe;
      if (!link_local && std::find(subnets.begin(), subnets.end(), subnet) == subnets.end()) subnets.push_back(subnet);
    });
  }));
  // A name server reached through the default route has no route of its own, and a bridge could hide it.
  for (const Address& server : parse_nameservers(read_host_resolv_conf()))
    if (!server.is_loopback()) subnets.emplace_back(server, server.family() == Family::v4 ? 32 : 128);
  return subnets;
}

namespace {

// A socket connected to an outside address; -1: there is no route.
Fd socket_outwards() {
  Fd socket(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  constexpr std::uint8_t somewhere[4] = {192, 0, 2, 1};  // TEST-NET-1, for documentation: nothing is sent
  const SocketAddress there(Address::from_bytes(Family::v4, somewhere), 9);
  if (!socket || ::connect(socket.get(), there.raw(), there.size) != 0) return {};
  return socket;
}

}  // namespace

std::string way_out_address() {
  const Fd socket = socket_outwards();
  SocketAddress here;
  if (!socket || ::getsockname(socket.get(), here.raw(), &here.size) != 0) return {};
  return here.address().to_string();
}

std::uint32_t way_out_mtu() {
  const Fd socket = socket_outwards();
  int mtu = 0;
  socklen_t size = sizeof mtu;
  if (!socket || ::getsockopt(socket.get(), IPPROTO_IP, IP_MTU, &mtu, &size) != 0 || mtu < 0) return 0;
  return static_cast<std::uint32_t>(mtu);
}

}  // namespace consort

#include "network/link/rtnetlink.hpp"

#include <linux/if_addr.h>
#include <linux/if_bridge.h>
#include <linux/if_link.h>
#include <linux/rtnetlink.h>
#include <linux/veth.h>

#include <cerrno>
#include <cstring>

namespace consort::rtnetlink {

using netlink::Attribute;
using netlink::for_each_attribute;
using netlink::Nest;
using netlink::Received;

namespace {

constexpr std::uint16_t request = NLM_F_REQUEST;
constexpr std::uint16_t create_new = NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL;

ifinfomsg link_header(int index = 0, unsigned flags = 0) {
  ifinfomsg header{};
  header.ifi_family = AF_UNSPEC;
  header.ifi_index = index;
  header.ifi_flags = flags;
  header.ifi_change = flags;
  return header;
}

Link link_of(const Received& message) {
  Link link;
  ifinfomsg header{};
  std::memcpy(&header, message.payload.data(), std::min(sizeof header, message.payload.size()));
  link.index = header.ifi_index;
  link.flags = header.ifi_flags;
  for_each_attribute(message.attributes(sizeof header), [&](const Attribute& attribute) {
    switch (attribute.type) {
      case IFLA_IFNAME:
        link.name = attribute.text();
        break;
      case IFLA_IFALIAS:
        link.alias = attribute.text();
        break;
      case IFLA_MASTER:
        link.master = static_cast<int>(attribute.u32());
        break;
      case IFLA_GROUP:
        link.group = attribute.u32();
        break;
      case IFLA_MTU:
        link.mtu = attribute.u32();
        break;
      case IFLA_LINKINFO:
        for_each_attribute(attribute.bytes, [&](const Attribute& inner) {
          if (inner.type == IFLA_INFO_KIND) link.kind = inner.text();
        });
        break;
      default:
        break;
    }
  });
  return link;
}

}  // namespace

Result<std::vector<Link>> list_links(Socket& socket) {
  Batch batch;
  batch.begin(RTM_GETLINK, request | NLM_F_DUMP, "list links");
  batch.append(link_header());
  std::vector<Link> links;
  TRY(socket.dump(batch, [&](const Received& message) { links.push_back(link_of(message)); }));
  return links;
}

Result<std::optional<Link>> find_link(Socket& socket, std::string_view name) {
  Batch batch;
  batch.begin(RTM_GETLINK, request, "look up link " + std::string(name));
  batch.append(link_header());
  batch.put_string(IFLA_IFNAME, name);
  std::optional<Link> link;
  const Result<> done = socket.dump(batch, [&](const Received& message) { link = link_of(message); });
  if (!done && done.error().sys_errno() == ENODEV) return std::nullopt;
  if (!done) return fail(Error(Code::io, "look up link " + std::string(name)).why(done.error().message()));
  return link;
}

Result<int> link_index(Socket& socket, std::string_view name) {
  const std::optional<Link> link = TRY(find_link(socket, name));
  if (!link) return fail(Code::not_found, "find interface", std::string(name));
  return link->index;
}

void add_bridge(Batch& batch, const std::string& name, std::uint32_t mtu, const MacAddress& mac) {
  batch.begin(RTM_NEWLINK, create_new, "create bridge " + name);
  batch.append(link_header(0, IFF_UP));
  batch.put_string(IFLA_IFNAME, name);
  batch.put_u32(IFLA_GROUP, link_group);
  batch.put_u32(IFLA_MTU, mtu);
  // A fixed address: otherwise the bridge takes the lowest one of its ports and changes it as containers come and go.
  batch.put(IFLA_ADDRESS, mac.bytes());
  Nest info(batch, IFLA_LINKINFO);
  batch.put_string(IFLA_INFO_KIND, "bridge");
  Nest data(batch, IFLA_INFO_DATA);
  batch.put_u32(IFLA_BR_FORWARD_DELAY, 0);
  batch.put_u8(IFLA_BR_MCAST_SNOOPING, 0);
}

void set_link_up(Batch& batch, const std::string& name) {
  batch.begin(RTM_NEWLINK, request, "bring up " + name);
  batch.append(link_header(0, IFF_UP));
  batch.put_string(IFLA_IFNAME, name);
}

void set_alias(Batch& batch, const std::string& name, std::string_view alias) {
  batch.begin(RTM_NEWLINK, request, "label " + name);
  batch.append(link_header());
  batch.put_string(IFLA_IFNAME, name);
  batch.put_string(IFLA_IFALIAS, alias);
}

void delete_link(Batch& batch, const std::string& name) {
  batch.begin(RTM_DELLINK, request, "delete link " + name);
  batch.append(link_header());
  batch.put_string(IFLA_IFNAME, name);
}

void set_group(Batch& batch, const std::string& name, std::uint32_t group) {
  batch.begin(RTM_NEWLINK, request, "mark link " + name);
  batch.append(link_header());
  batch.put_string(IFLA_IFNAME, name);
  batch.put_u32(IFLA_GROUP, group);
}

void delete_group(Batch& batch, std::uint32_t group) {
  batch.begin(RTM_DELLINK, request, "delete links");
  batch.append(link_header());
  batch.put_u32(IFLA_GROUP, group);
}

void add_veth(Batch& batch, const Veth& veth) {
  batch.begin(RTM_NEWLINK, create_new, "create veth pair " + veth.host_name + ", " + veth.peer_name);
  batch.append(link_header(veth.host_index, IFF_UP));
  batch.put_string(IFLA_IFNAME, veth.host_name);
  batch.put_u32(IFLA_GROUP, link_group);
  batch.put_u32(IFLA_MTU, veth.mtu);
  if (veth.master != 0) batch.put_u32(IFLA_MASTER, static_cast<std::uint32_t>(veth.master));
  Nest info(batch, IFLA_LINKINFO);
  batch.put_string(IFLA_INFO_KIND, "veth");
  Nest data(batch, IFLA_INFO_DATA);
  Nest peer(batch, VETH_INFO_PEER);
  batch.append(link_header());
  batch.put_string(IFLA_IFNAME, veth.peer_name);
  batch.put(IFLA_ADDRESS, veth.peer_mac.bytes());
  batch.put_u32(IFLA_MTU, veth.mtu);
  if (veth.peer_netns >= 0) batch.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(veth.peer_netns));
}

namespace {

void begin_face(Batch& batch, const Face& face, const char* kind) {
  batch.begin(RTM_NEWLINK, create_new, std::string("create ") + kind + " " + face.name);
  batch.append(link_header());
  batch.put_string(IFLA_IFNAME, face.name);
  batch.put_u32(IFLA_GROUP, link_group);
  batch.put_u32(IFLA_LINK, static_cast<std::uint32_t>(face.parent));
  if (face.mtu != 0) batch.put_u32(IFLA_MTU, face.mtu);
  batch.put_u32(IFLA_NET_NS_FD, static_cast<std::uint32_t>(face.netns));
}

}  // namespace

void add_macvlan(Batch& batch, const Face& face, MacvlanMode mode) {
  begin_face(batch, face, "macvlan");
  batch.put(IFLA_ADDRESS, face.mac.bytes());
  Nest info(batch, IFLA_LINKINFO);
  batch.put_string(IFLA_INFO_KIND, "macvlan");
  Nest data(batch, IFLA_INFO_DATA);
  batch.put_u32(IFLA_MACVLAN_MODE, static_cast<std::uint32_t>(mode));
}

void add_ipvlan(Batch& batch, const Face& face) {
  begin_face(batch, face, "ipvlan");
  Nest info(batch, IFLA_LINKINFO);
  batch.put_string(IFLA_INFO_KIND, "ipvlan");
  Nest data(batch, IFLA_INFO_DATA);
  batch.put_u16(IFLA_IPVLAN_MODE, IPVLAN_MODE_L2);
}

void isolate_port(Batch& batch, const std::string& name) {
  batch.begin(RTM_NEWLINK, request, "isolate port " + name);
  batch.append(link_header());
  batch.put_string(IFLA_IFNAME, name);
  Nest info(batch, IFLA_LINKINFO);
  batch.put_string(IFLA_INFO_SLAVE_KIND, "bridge");
  Nest data(batch, IFLA_INFO_SLAVE_DATA);
  batch.put_u8(IFLA_BRPORT_ISOLATED, 1);
}

void add_address(Batch& batch, int link_index, const InterfaceAddress& address) {
  batch.begin(RTM_NEWADDR, create_new, "add address " + address.to_string());
  ifaddrmsg header{};
  header.ifa_family = static_cast<std::uint8_t>(address.address.domain());
  header.ifa_prefixlen = static_cast<std::uint8_t>(address.prefix);
  header.ifa_index = static_cast<std::uint32_t>(link_index);
  // Addresses come from our own pools and are unique, so skip duplicate address detection, which takes a second.
  header.ifa_flags = address.address.is_v4() ? 0 : IFA_F_NODAD;
  batch.append(header);
  const std::span<const std::uint8_t> bytes(address.address.data(), address.address.size());
  batch.put(IFA_LOCAL, bytes);
  batch.put(IFA_ADDRESS, bytes);
  if (address.address.is_v4()) batch.put(IFA_BROADCAST, address.subnet().last().data(), 4);
}

namespace {

void default_route(Batch& batch, std::uint16_t type, std::uint16_t flags, const char* what, int link_index,
                   const Address& gateway) {
  batch.begin(type, flags, std::string(what) + " default route via " + gateway.to_string());
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(gateway.domain());
  header.rtm_table = RT_TABLE_MAIN;
  header.rtm_protocol = RTPROT_BOOT;
  header.rtm_scope = RT_SCOPE_UNIVERSE;
  header.rtm_type = RTN_UNICAST;
  batch.append(header);
  batch.put(RTA_GATEWAY, {gateway.data(), gateway.size()});
  batch.put_u32(RTA_OIF, static_cast<std::uint32_t>(link_index));
}

}  // namespace

void add_default_route(Batch& batch, int link_index, const Address& gateway) {
  default_route(batch, RTM_NEWROUTE, create_new, "add", link_index, gateway);
}

void set_default_route(Batch& batch, int link_index, const Address& gateway) {
  default_route(batch, RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_REPLACE, "set", link_index, gateway);
}

void delete_default_route(Batch& batch, int link_index, const Address& gateway) {
  default_route(batch, RTM_DELROUTE, request, "delete", link_index, gateway);
}

Result<std::vector<HeldAddress>> list_addresses(Socket& socket) {
  Batch batch;
  batch.begin(RTM_GETADDR, request | NLM_F_DUMP, "list addresses");
  batch.append(ifaddrmsg{});
  std::vector<HeldAddress> addresses;
  TRY(socket.dump(batch, [&](const Received& message) {
    ifaddrmsg header{};
    if (message.payload.size() < sizeof header) return;
    std::memcpy(&header, message.payload.data(), sizeof header);
    if (header.ifa_family != AF_INET && header.ifa_family != AF_INET6) return;
    const Family family = header.ifa_family == AF_INET ? Family::v4 : Family::v6;
    const std::uint16_t wanted = family == Family::v4 ? IFA_LOCAL : IFA_ADDRESS;
    for_each_attribute(message.attributes(sizeof header), [&](const Attribute& attribute) {
      if (attribute.type != wanted || attribute.bytes.size() != Address::any(family).size()) return;
      addresses.push_back({static_cast<int>(header.ifa_index),
                           {Address::from_bytes(family, attribute.bytes.data()), header.ifa_prefixlen}});
    });
  }));
  return addresses;
}

}  // namespace consort::rtnetlink

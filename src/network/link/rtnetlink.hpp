// The rtnetlink messages that we need: links, addresses, routes. Each function appends one message to a batch.
#pragma once

#include <net/if.h>

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "network/address.hpp"
#include "network/link/netlink.hpp"

namespace consort::rtnetlink {

using netlink::Batch;
using netlink::Socket;

// Marks our veth ends and bridges: IFLA_GROUP can be set when a link is created, an alias cannot.
inline constexpr std::uint32_t link_group = 0xC0450;
inline constexpr std::string_view alias_prefix = "consort network ";

struct Link {
  int index = 0;
  int master = 0;
  std::uint32_t group = 0;
  unsigned flags = 0;
  std::uint32_t mtu = 0;
  std::string name;
  std::string kind;  // "bridge", "veth", ...
  std::string alias;
};

Result<std::vector<Link>> list_links(Socket& socket);
Result<std::optional<Link>> find_link(Socket& socket, std::string_view name);  // nullopt: no such link

void add_bridge(Batch& batch, const std::string& name, std::uint32_t mtu, const MacAddress& mac);
void set_link_up(Batch& batch, const std::string& name);
void set_alias(Batch& batch, const std::string& name, std::string_view alias);
void delete_link(Batch& batch, const std::string& name);
// Deleting links one by one costs some 30 ms each (the kernel waits for a grace period every time); all links of a
// group are deleted at once.
void set_group(Batch& batch, const std::string& name, std::uint32_t group);
void delete_group(Batch& batch, std::uint32_t group);

struct Veth {
  std::string host_name;
  int host_index = 0;  // 0: the kernel chooses
  int master = 0;      // interface index of the bridge
  std::string peer_name;
  MacAddress peer_mac;
  int peer_netns = -1;       // descriptor
  std::uint32_t mtu = 1500;  // of both ends
};
void add_veth(Batch& batch, const Veth& veth);  // the host's end is up, the peer is down
// A macvlan or ipvlan interface on a parent in the socket's namespace.
struct Face {
  std::string name;
  int parent = 0;
  int netns = -1;  // descriptor of the namespace to create it in
  MacAddress mac;
  std::uint32_t mtu = 0;  // 0: the parent's
};
enum class MacvlanMode : std::uint32_t { own = 1, vepa = 2, bridge = 4, passthru = 8 };  // the kernel's values
void add_macvlan(Batch& batch, const Face& face, MacvlanMode mode);
void add_ipvlan(Batch& batch, const Face& face);  // in mode l2; has the parent's MAC address
void isolate_port(Batch& batch, const std::string& name);

void add_address(Batch& batch, int link_index, const InterfaceAddress& address);
void add_default_route(Batch& batch, int link_index, const Address& gateway);
void set_default_route(Batch& batch, int link_index, const Address& gateway);  // replaces an existing one
void delete_default_route(Batch& batch, int link_index, const Address& gateway);

// Index of an interface in the socket's namespace; Code::not_found.
Result<int> link_index(Socket& socket, std::string_view name);
struct HeldAddress {
  int link = 0;
  InterfaceAddress address;
};
Result<std::vector<HeldAddress>> list_addresses(Socket& socket);

}  // namespace consort::rtnetlink

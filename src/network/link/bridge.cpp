#include "network/bridge.hpp"

#include <sys/random.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <cstdio>

#include "network/link/rtnetlink.hpp"

namespace consort {

using netlink::Batch;
using netlink::Socket;
using rtnetlink::Link;

namespace {

constexpr std::size_t max_interface_name = 15;  // IFNAMSIZ without the terminating null

Result<> validate(const BridgeNetwork& network) {
  const std::string& name = network.bridge;
  if (!is_interface_name(name))
    return fail(
        Error(Code::invalid, "create network " + network.name)
            .why("'" + name + "' can't be the name of an interface (1 to 15 characters, no '/', ':' or spaces)"));
  for (const BridgeAddress& address : network.addresses) {
    if (!address.subnet.contains(address.gateway))
      return fail(Error(Code::invalid, "create network " + network.name)
                      .why("the gateway " + address.gateway.to_string() + " is not in the subnet " +
                           address.subnet.to_string()));
  }
  return {};
}

MacAddress bridge_mac(const BridgeNetwork& network) {
  for (const BridgeAddress& address : network.addresses) {
    if (address.gateway.is_v4()) return MacAddress::of(address.gateway);
  }
  return network.addresses.empty() ? MacAddress::of(Address()) : MacAddress::of(network.addresses.front().gateway);
}

Result<> make_link(Socket& socket, const BridgeNetwork& network) {
  Batch batch;
  rtnetlink::add_bridge(batch, network.bridge, network.mtu, bridge_mac(network));
  Result<> made = socket.transact(batch);
  // Another of our processes created it first: complete it.
  if (!made && made.error().sys_errno() != EEXIST) return made;
  return {};
}

// A path may exceed the kernel's 255 bytes.
std::string mark_of(const std::string& owner) {
  std::uint64_t hash = 0xcbf29ce484222325;  // FNV-1a: collisions are not a security concern
  for (const char c : owner) hash = (hash ^ static_cast<unsigned char>(c)) * 0x100000001b3;
  std::array<char, 24> text;
  std::snprintf(text.data(), text.size(), " of %016llx", static_cast<unsigned long long>(hash));
  return text.data();
}

std::string alias_of(const BridgeNetwork& network) {
  return std::string(rtnetlink::alias_prefix) + network.network_id + mark_of(network.owner);
}

// Between its creation and its labelling, a bridge is recognizable only by our group.
bool is_unfinished(const Link& link) {
  return link.alias.empty() && link.group == rtnetlink::link_group;
}

// Whether an interface with the network's name belongs to the network.
bool belongs_to(const Link& link, const BridgeNetwork& network) {
  return link.kind == "bridge" && (link.alias == alias_of(network) || is_unfinished(link) ||
                                   (link.alias.empty() && link.name == bridge_name(network.network_id)));
}

Error taken(const Link& link, const BridgeNetwork& network) {
  const bool bridge = link.kind == "bridge";
  return Error(Code::conflict, "create network " + network.name)
      .why("existing interface " + link.name + (bridge ? " is not a bridge of this network" : " is not a bridge"))
      .hint("set com.docker.network.bridge.name to an unused name, or remove it");
}

Result<> complete(Socket& socket, const BridgeNetwork& network, int index) {
  for (const BridgeAddress& address : network.addresses) TRY(enable_forwarding(address.gateway.family()));
  Batch batch;
  for (const BridgeAddress& address : network.addresses)
    if (address.on_bridge) rtnetlink::add_address(batch, index, {address.gateway, address.subnet.prefix()});
  rtnetlink::set_link_up(batch, network.bridge);
  // Last: the presence of this label shows that everything else is done.
  rtnetlink::set_alias(batch, network.bridge, alias_of(network));
  for (const netlink::Failure& failure : TRY(socket.run(batch))) {
    if (failure.error != EEXIST) return fail(Socket::error_of(batch, failure));
  }
  return {};
}

Result<> delete_links(Socket& socket, const std::vector<std::string>& names) {
  if (names.empty()) return {};
  std::uint32_t group = 0;
  if (::getrandom(&group, sizeof group, 0) != sizeof group) return fail_errno("get random bytes");
  group |= 0x80000000u;  // never 0, the default group, nor our own mark
  Batch batch;
  for (const std::string& name : names) rtnetlink::set_group(batch, name, group);
  rtnetlink::delete_group(batch, group);
  std::optional<Error> first;
  for (const netlink::Failure& failure : TRY(socket.run(batch))) {
    if (failure.error == ENODEV) continue;
    Error error = Socket::error_of(batch, failure);
    first = first ? std::move(*first).also(std::move(error)) : std::move(error);
  }
  if (first) return fail(std::move(*first));
  return {};
}

// Both operations have been tried; the first error carries the second.
Result<> both(Result<> first, Result<> second) {
  if (first) return second;
  if (!second) return fail(std::move(first).error().also(std::move(second).error()));
  return first;
}

Result<> remove_from_firewall(std::span<const std::string> bridges) {
  Firewall firewall = TRY(Firewall::open());
  return firewall.remove_bridges(bridges);
}

}  // namespace

std::string bridge_name(std::string_view network_id) {
  return "br-" + std::string(network_id.substr(0, 12));
}

bool is_interface_name(std::string_view name) {
  constexpr std::string_view meaningful = "/:%";
  const auto fits = [&](char c) { return c > ' ' && c < 127 && !meaningful.contains(c); };
  return !name.empty() && name.size() <= max_interface_name && name != "." && name != ".." &&
         std::ranges::all_of(name, fits);
}

Result<bool> has_bridge(const BridgeNetwork& network) {
  Socket socket = TRY(Socket::open(NETLINK_ROUTE));
  const std::optional<Link> link = TRY(rtnetlink::find_link(socket, network.bridge));
  if (link && !belongs_to(*link, network)) return fail(taken(*link, network));
  return link && link->alias == alias_of(network);
}

Result<> create_bridge(const BridgeNetwork& network) {
  TRY(validate(network));
  Socket socket = TRY(Socket::open(NETLINK_ROUTE));
  std::optional<Link> link = TRY(rtnetlink::find_link(socket, network.bridge));
  if (link && !belongs_to(*link, network)) return fail(taken(*link, network));
  const bool existed = link.has_value();
  const auto build = [&]() -> Result<> {
    if (!existed) {
      TRY(make_link(socket, network));
      link = TRY(rtnetlink::find_link(socket, network.bridge));
      if (link && !belongs_to(*link, network)) return fail(taken(*link, network));
    }
    if (link && link->alias != alias_of(network)) TRY(complete(socket, network, link->index));
    Firewall firewall = TRY(Firewall::open());
    TRY(firewall.add_bridge({.bridge = network.bridge,
                             .internal = network.internal,
                             .masquerade = network.masquerade,
                             .direct4 = network.direct4,
                             .direct6 = network.direct6}));
    return firewall.open_by_programs({&network.bridge, 1});
  };
  Result<> built = build();
  if (built) return {};
  Error error = std::move(built).error().wrap("create network " + network.name);
  if (!existed) {
    Result<> undone = both(remove_from_firewall({&network.bridge, 1}), delete_links(socket, {network.bridge}));
    if (!undone) error = std::move(error).also(std::move(undone).error());
  }
  return fail(std::move(error));
}

Result<> remove_bridge(const BridgeNetwork& network) {
  Socket socket = TRY(Socket::open(NETLINK_ROUTE));
  const std::vector<Link> links = TRY(rtnetlink::list_links(socket));
  const auto found = std::ranges::find(links, network.bridge, &Link::name);
  if (found == links.end()) return remove_from_firewall({&network.bridge, 1});
  if (!belongs_to(*found, network)) {
    // Not ours to remove. And firewall entries about a bridge or a build's veth pair belong to those.
    const bool marked = found->alias.starts_with(rtnetlink::alias_prefix) || found->group == rtnetlink::link_group;
    return marked ? Result<>() : remove_from_firewall({&network.bridge, 1});
  }
  std::vector<std::string> names{network.bridge};
  // Interfaces of containers that are just ending: removed with their bridge, so that nothing is left when we return.
  for (const Link& link : links)
    if (link.master == found->index && link.group == rtnetlink::link_group) names.push_back(link.name);
  return both(remove_from_firewall({&network.bridge, 1}), delete_links(socket, names));
}

Result<std::vector<std::string>> sweep_host(const std::string& owner, std::span<const std::string> keep) {
  Socket socket = TRY(Socket::open(NETLINK_ROUTE));
  const std::vector<Link> links = TRY(rtnetlink::list_links(socket));
  const auto kept = [&](const std::string& name) { return std::find(keep.begin(), keep.end(), name) != keep.end(); };
  const std::string mark = mark_of(owner);
  std::vector<std::string> bridges, removed;
  for (const Link& bridge : links) {
    const bool ours = bridge.kind == "bridge" && bridge.alias.starts_with(rtnetlink::alias_prefix);
    if (!ours || !bridge.alias.ends_with(mark) || kept(bridge.name)) continue;
    bridges.push_back(bridge.name);
    for (const Link& link : links) {
      const bool on_it = link.kind == "veth" && link.group == rtnetlink::link_group && link.master == bridge.index;
      if (on_it) removed.push_back(link.name);
    }
  }
  // Rules of a removed bridge. Rules of an existing interface are in use: a build has its own veth pair.
  Firewall firewall = TRY(Firewall::open());
  for (const std::string& name : TRY(firewall.bridges())) {
    const bool exists = std::any_of(links.begin(), links.end(), [&](const Link& link) { return link.name == name; });
    if (!kept(name) && !exists) bridges.push_back(name);
  }
  removed.insert(removed.end(), bridges.begin(), bridges.end());
  TRY(both(delete_links(socket, removed), firewall.remove_bridges(bridges)));
  return removed;
}

}  // namespace consort

#include "network/nft/firewall_rules.hpp"

#include <linux/netfilter/nf_conntrack_common.h>
#include <linux/rtnetlink.h>

#include "base/os/processes/user_namespace.hpp"

namespace consort::firewall {

using nft::Bytes;
using nft::narrow;
using nft::Rule;
using nft::Table;
using nft::Type;
using nft::wide;

namespace {

constexpr std::uint32_t ip4_daddr = 16, ip6_daddr = 24, ip4_saddr = 12;  // offsets in the network header
constexpr std::uint32_t destination_port = 2;                            // offset in the transport header

const std::string dnat4 = "publish4", dnat4_any = "publish4_any", dnat6 = "publish6", dnat6_any = "publish6_any";
const std::string relayed4 = "relayed4", relayed4_any = "relayed4_any", relayed6 = "relayed6",
                  relayed6_any = "relayed6_any";
const std::string open4 = "open4", open6 = "open6";

// The kernel's numbers of states and bits (enum ip_conntrack_info and ip_conntrack_status), as nft(8) uses them.
constexpr std::uint32_t ct_invalid = 0x1, ct_established_or_related = 0x6;
constexpr std::uint32_t ct_dnat = IPS_DST_NAT;

constexpr std::int32_t priority_raw = -300, priority_dstnat = -100, priority_filter = 0, priority_srcnat = 100;

Bytes protocol_bytes(Protocol protocol) {
  return {static_cast<std::uint8_t>(protocol == Protocol::tcp ? IPPROTO_TCP : IPPROTO_UDP)};
}

Bytes address_bytes(const Address& address) {
  return Bytes(address.data(), address.data() + address.size());
}

}  // namespace

RedirectMap redirect_element(const Redirect& redirect) {
  const bool v4 = redirect.host.is_v4();
  const Bytes protocol = protocol_bytes(redirect.protocol), port = nft::bytes_of_port(redirect.port);
  RedirectMap map;
  map.element.data = nft::concatenate({address_bytes(redirect.target), nft::bytes_of_port(redirect.target_port)});
  if (redirect.host.is_any()) {
    map.name = v4 ? dnat4_any : dnat6_any;
    map.element.key = nft::concatenate({protocol, port});
  } else {
    map.name = v4 ? dnat4 : dnat6;
    map.element.key = nft::concatenate({address_bytes(redirect.host), protocol, port});
  }
  return map;
}

RedirectMap relayed_element(const Redirect& port) {
  RedirectMap map = redirect_element(port);
  map.element.data.clear();
  map.name.replace(0, std::string_view("publish").size(), "relayed");
  return map;
}

Bytes loopback_key(const Redirect& port) {
  return nft::concatenate({address_bytes(port.host), protocol_bytes(port.protocol), nft::bytes_of_port(port.port)});
}

Bytes family_key(const std::string& bridge, Family family) {
  const std::uint8_t number = family == Family::v4 ? NFPROTO_IPV4 : NFPROTO_IPV6;
  return nft::concatenate({nft::bytes_of_name(bridge), {number}});
}

const std::string& openings_set(Family family) {
  return family == Family::v4 ? open4 : open6;
}

Bytes opening_prefix(const Openings& openings) {
  return nft::concatenate({nft::bytes_of_name(openings.bridge), address_bytes(openings.address)});
}

Bytes opening_key(const Openings& openings, const Openings::Port& port) {
  return nft::concatenate({opening_prefix(openings), protocol_bytes(port.protocol), nft::bytes_of_port(port.port)});
}

std::vector<std::string> interface_sets() {
  return {bridges_set, internal_set, masquerade_set, same_set, routed_set, direct_set, open4, open6};
}

void add_sets(Table& table) {
  for (const std::string& name : {bridges_set, internal_set, masquerade_set}) table.add_set({name, {Type::ifname}, {}});
  table.add_set({same_set, {Type::ifname, Type::ifname}, {}});
  for (const std::string& name : {routed_set, direct_set}) table.add_set({name, {Type::ifname, Type::nf_proto}, {}});
  table.add_set({open4, {Type::ifname, Type::ipv4, Type::inet_proto, Type::inet_service}, {}});
  table.add_set({open6, {Type::ifname, Type::ipv6, Type::inet_proto, Type::inet_service}, {}});
  table.add_set({loopback_set, {Type::ipv4, Type::inet_proto, Type::inet_service}, {}});
  const std::vector<Type> to4{Type::ipv4, Type::inet_service}, to6{Type::ipv6, Type::inet_service};
  table.add_set({dnat4, {Type::ipv4, Type::inet_proto, Type::inet_service}, to4});
  table.add_set({dnat4_any, {Type::inet_proto, Type::inet_service}, to4});
  table.add_set({dnat6, {Type::ipv6, Type::inet_proto, Type::inet_service}, to6});
  table.add_set({dnat6_any, {Type::inet_proto, Type::inet_service}, to6});
  table.add_set({relayed4, {Type::ipv4, Type::inet_proto, Type::inet_service}, {}});
  table.add_set({relayed4_any, {Type::inet_proto, Type::inet_service}, {}});
  table.add_set({relayed6, {Type::ipv6, Type::inet_proto, Type::inet_service}, {}});
  table.add_set({relayed6_any, {Type::inet_proto, Type::inet_service}, {}});
}

void add_chains(Table& table) {
  table.add_chain(version_chain);
  // A supervisor of an older version would replace these rules with its own.
  for (const char* older : {"rules_1", "rules_2"}) table.add_chain(older);
  table.add_chain("publish");
  table.add_chain("ours");
  table.add_chain("inner");
  table.add_base_chain("guard", {"filter", NF_INET_PRE_ROUTING, priority_raw});
  table.add_base_chain("prerouting", {"nat", NF_INET_PRE_ROUTING, priority_dstnat});
  table.add_base_chain("output", {"nat", NF_INET_LOCAL_OUT, priority_dstnat});
  table.add_base_chain("postrouting", {"nat", NF_INET_POST_ROUTING, priority_srcnat});
  table.add_base_chain("input", {"filter", NF_INET_LOCAL_IN, priority_filter});
  table.add_base_chain("forward", {"filter", NF_INET_FORWARD, priority_filter});
}

void flush_chains(Table& table) {
  for (const char* chain :
       {"guard", "prerouting", "output", "postrouting", "input", "forward", "publish", "ours", "inner"})
    table.flush_chain(chain);
}

namespace {

enum class Key : std::uint8_t { address_and_port, port };

// [ip daddr .] meta l4proto . th dport into registers, starting at the first narrow one; an IPv6 address takes four.
unsigned address_registers(Family family) {
  return family == Family::v4 ? 1 : 4;
}
void load_key(Rule& rule, Family family, Key key) {
  const bool v4 = family == Family::v4;
  unsigned at = 0;
  rule.family_is(v4 ? NFPROTO_IPV4 : NFPROTO_IPV6);
  if (key == Key::address_and_port) {
    at = address_registers(family);
    rule.payload(NFT_PAYLOAD_NETWORK_HEADER, v4 ? ip4_daddr : ip6_daddr, at * 4, narrow(0));
  }
  rule.meta(NFT_META_L4PROTO, narrow(at)).payload(NFT_PAYLOAD_TRANSPORT_HEADER, destination_port, 2, narrow(at + 1));
}

// dnat to KEY map @name; the value replaces the key.
void add_redirect(Table& table, Family family, Key key, const std::string& name) {
  Rule rule(table, "publish");
  load_key(rule, family, key);
  rule.map(narrow(0), name, narrow(0))
      .dnat(family == Family::v4 ? NFPROTO_IPV4 : NFPROTO_IPV6, narrow(0), narrow(address_registers(family)));
}

// A published port is not a service of the host: for an internal network it is as unreachable as the network that it
// leads to, even though the relay would answer at the gateway's address.
void add_inner_rules(Table& table) {
  Rule(table, "input").meta(NFT_META_IIFNAME, wide(0)).in_set(wide(0), internal_set).jump("inner");
  // ct state established,related return: answers to the host
  Rule(table, "inner")
      .ct(NFT_CT_STATE, wide(0))
      .mask(wide(0), ct_established_or_related)
      .differs(wide(0), nft::bytes_of_u32(0))
      .verdict(NFT_RETURN);
  struct Published {
    Family family;
    Key key;
    const std::string &map, &set;
  };
  for (const Published& published : {Published{Family::v4, Key::address_and_port, dnat4, relayed4},
                                     Published{Family::v4, Key::port, dnat4_any, relayed4_any},
                                     Published{Family::v6, Key::address_and_port, dnat6, relayed6},
                                     Published{Family::v6, Key::port, dnat6_any, relayed6_any}}) {
    {
      Rule redirected(table, "inner");
      load_key(redirected, published.family, published.key);
      redirected.map(narrow(0), published.map, narrow(0)).verdict(NF_DROP);
    }
    Rule relayed(table, "inner");
    load_key(relayed, published.family, published.key);
    relayed.in_set(narrow(0), published.set).verdict(NF_DROP);
  }
}

// Published ports. The address is part of the key if the user gave one; otherwise any address of this host except
// loopback, which the relay serves.
void add_publish_rules(Table& table) {
  // fib daddr type local jump publish
  for (const char* chain : {"prerouting", "output"})
    Rule(table, chain).fib_daddr_type(wide(0)).equal(wide(0), nft::bytes_of_u32(RTN_LOCAL)).jump("publish");

  // iifname @bridges return: containers are served by the relay and see the gateway as their peer. If the kernel
  // redirected them, answers would come from an address that they did not contact, because same-bridge packets (with
  // br_netfilter, even redirected ones) never pass postrouting with a known input interface.
  Rule(table, "publish").meta(NFT_META_IIFNAME, wide(0)).in_set(wide(0), bridges_set).verdict(NFT_RETURN);
  // ip daddr 127.0.0.0/8 return
  Rule(table, "publish")
      .family_is(NFPROTO_IPV4)
      .payload(NFT_PAYLOAD_NETWORK_HEADER, ip4_daddr, 1, wide(0))
      .equal(wide(0), {127})
      .verdict(NFT_RETURN);
  // ip6 daddr ::1 return
  Rule(table, "publish")
      .family_is(NFPROTO_IPV6)
      .payload(NFT_PAYLOAD_NETWORK_HEADER, ip6_daddr, 16, wide(0))
      .equal(wide(0), address_bytes(Address::loopback(Family::v6)))
      .verdict(NFT_RETURN);
  add_redirect(table, Family::v4, Key::address_and_port, dnat4);
  add_redirect(table, Family::v4, Key::port, dnat4_any);
  add_redirect(table, Family::v6, Key::address_and_port, dnat6);
  add_redirect(table, Family::v6, Key::port, dnat6_any);
}

// {i,o}ifname . meta nfproto
Rule& in_family_set(Rule& rule, std::uint32_t interface, const std::string& set) {
  return rule.meta(interface, wide(0)).meta(NFT_META_NFPROTO, wide(1)).in_set(wide(0), set);
}

void add_postrouting_rules(Table& table) {
  // iifname . meta nfproto @routed return
  {
    Rule routed(table, "postrouting");
    in_family_set(routed, NFT_META_IIFNAME, routed_set).verdict(NFT_RETURN);
  }
  // iifname @hidden iifname . oifname != @same masquerade: traffic to the outside.
  Rule(table, "postrouting")
      .meta(NFT_META_IIFNAME, wide(0))
      .in_set(wide(0), masquerade_set)
      .meta(NFT_META_IIFNAME, wide(0))
      .meta(NFT_META_OIFNAME, wide(1))
      .not_in_set(wide(0), same_set)
      .masquerade();
  // ip saddr 127.0.0.0/8 oifname @bridges masquerade: a program of the host that is bound to loopback and connects to a
  // published port at another of the host's addresses.
  Rule(table, "postrouting")
      .family_is(NFPROTO_IPV4)
      .payload(NFT_PAYLOAD_NETWORK_HEADER, ip4_saddr, 1, wide(0))
      .equal(wide(0), {127})
      .meta(NFT_META_OIFNAME, wide(0))
      .in_set(wide(0), bridges_set)
      .masquerade();
}

// Traffic that networks with gateway modes other than nat allow in at the containers' own addresses.
void add_direct_rules(Table& table) {
  // oifname . ip daddr . meta l4proto . th dport @open4 accept: from other networks of this host too.
  for (const Family family : {Family::v4, Family::v6}) {
    const bool v4 = family == Family::v4;
    const unsigned protocol = 4 + address_registers(family);  // after the name, which takes four registers
    Rule(table, "ours")
        .family_is(v4 ? NFPROTO_IPV4 : NFPROTO_IPV6)
        .meta(NFT_META_OIFNAME, wide(0))
        .payload(NFT_PAYLOAD_NETWORK_HEADER, v4 ? ip4_daddr : ip6_daddr, v4 ? 4 : 16, narrow(4))
        .meta(NFT_META_L4PROTO, narrow(protocol))
        .payload(NFT_PAYLOAD_TRANSPORT_HEADER, destination_port, 2, narrow(protocol + 1))
        .in_set(wide(0), openings_set(family))
        .verdict(NF_ACCEPT);
  }
  // oifname . meta nfproto @routed meta l4proto { icmp, ipv6-icmp } accept
  for (const int icmp : {int{IPPROTO_ICMP}, int{IPPROTO_ICMPV6}}) {
    Rule rule(table, "ours");
    in_family_set(rule, NFT_META_OIFNAME, routed_set)
        .meta(NFT_META_L4PROTO, wide(0))
        .equal(wide(0), {static_cast<std::uint8_t>(icmp)})
        .verdict(NF_ACCEPT);
  }
  // iifname != @bridges oifname . meta nfproto @direct accept
  Rule direct(table, "ours");
  direct.meta(NFT_META_IIFNAME, wide(0)).not_in_set(wide(0), bridges_set);
  in_family_set(direct, NFT_META_OIFNAME, direct_set).verdict(NF_ACCEPT);
}

void add_forward_rules(Table& table) {
  Rule(table, "forward").meta(NFT_META_IIFNAME, wide(0)).in_set(wide(0), bridges_set).jump("ours");
  Rule(table, "forward").meta(NFT_META_OIFNAME, wide(0)).in_set(wide(0), bridges_set).jump("ours");

  // ct state established,related accept
  Rule(table, "ours")
      .ct(NFT_CT_STATE, wide(0))
      .mask(wide(0), ct_established_or_related)
      .differs(wide(0), nft::bytes_of_u32(0))
      .verdict(NF_ACCEPT);
  // iifname . oifname @same accept: bridged frames pass here where br_netfilter is loaded.
  Rule(table, "ours")
      .meta(NFT_META_IIFNAME, wide(0))
      .meta(NFT_META_OIFNAME, wide(1))
      .in_set(wide(0), same_set)
      .verdict(NF_ACCEPT);
  Rule(table, "ours").meta(NFT_META_IIFNAME, wide(0)).in_set(wide(0), internal_set).verdict(NF_DROP);
  Rule(table, "ours").meta(NFT_META_OIFNAME, wide(0)).in_set(wide(0), internal_set).verdict(NF_DROP);
  // ct status dnat accept: published, wherever it comes from.
  Rule(table, "ours")
      .ct(NFT_CT_STATUS, wide(0))
      .mask(wide(0), ct_dnat)
      .differs(wide(0), nft::bytes_of_u32(0))
      .verdict(NF_ACCEPT);
  add_direct_rules(table);
  // oifname @bridges drop: other networks, and the outside at ports that are not published.
  Rule(table, "ours").meta(NFT_META_OIFNAME, wide(0)).in_set(wide(0), bridges_set).verdict(NF_DROP);
  Rule(table, "ours").verdict(NF_ACCEPT);
}

}  // namespace

void add_rules(Table& table) {
  // ct state invalid drop, in a user namespace only: pasta (of 2023) sends segments without any flag, which match no
  // container's connection, but would be answered by a reset that ends it.
  if (in_user_namespace())
    Rule(table, "input")
        .ct(NFT_CT_STATE, wide(0))
        .mask(wide(0), ct_invalid)
        .differs(wide(0), nft::bytes_of_u32(0))
        .verdict(NF_DROP);
  // iifname != "lo" ip daddr . meta l4proto . th dport @guarded drop
  Rule(table, "guard")
      .meta(NFT_META_IIFNAME, wide(0))
      .differs(wide(0), nft::bytes_of_name("lo"))
      .family_is(NFPROTO_IPV4)
      .payload(NFT_PAYLOAD_NETWORK_HEADER, ip4_daddr, 4, narrow(0))
      .meta(NFT_META_L4PROTO, narrow(1))
      .payload(NFT_PAYLOAD_TRANSPORT_HEADER, destination_port, 2, narrow(2))
      .in_set(narrow(0), loopback_set)
      .verdict(NF_DROP);
  add_publish_rules(table);
  add_postrouting_rules(table);
  add_inner_rules(table);
  add_forward_rules(table);
}

}  // namespace consort::firewall

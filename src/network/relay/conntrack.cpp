#include "network/relay/conntrack.hpp"

#include <arpa/inet.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/netfilter/nfnetlink_conntrack.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "network/link/rtnetlink.hpp"

namespace consort::conntrack {

using netlink::Attribute;
using netlink::Batch;
using netlink::for_each_attribute;
using netlink::Nest;
using netlink::Received;
using netlink::Socket;

namespace {

// Bits of CTA_FILTER_ORIG_FLAGS, which the kernel does not export: protocol and destination port.
constexpr std::uint32_t filter_protocol = 1u << 3, filter_destination_port = 1u << 5;

struct Flow {
  std::vector<std::uint8_t> original;  // the tuple as the kernel wrote it
  Address destination;                 // whom the client asked
  std::uint16_t port = 0;
};

std::uint16_t message_type(unsigned type) {
  return static_cast<std::uint16_t>((NFNL_SUBSYS_CTNETLINK << 8) | type);
}

nfgenmsg header_of(Family family) {
  return nfgenmsg{.nfgen_family = static_cast<std::uint8_t>(family == Family::v4 ? AF_INET : AF_INET6),
                  .version = NFNETLINK_V0,
                  .res_id = 0};
}

struct Tuple {
  std::optional<Address> destination;
  std::uint8_t protocol = 0;
  std::uint16_t port = 0;
};

std::optional<Address> address_in(const Attribute& attribute) {
  if (attribute.bytes.size() == 4) return Address::from_bytes(Family::v4, attribute.bytes.data());
  if (attribute.bytes.size() == 16) return Address::from_bytes(Family::v6, attribute.bytes.data());
  return std::nullopt;
}

Tuple read_tuple(std::span<const std::uint8_t> bytes) {
  Tuple tuple;
  for_each_attribute(bytes, [&](const Attribute& part) {
    for_each_attribute(part.bytes, [&](const Attribute& field) {
      if (part.type == CTA_TUPLE_IP) {
        if (field.type == CTA_IP_V4_DST || field.type == CTA_IP_V6_DST) tuple.destination = address_in(field);
      } else if (part.type == CTA_TUPLE_PROTO) {
        if (field.type == CTA_PROTO_NUM && field.bytes.size() == 1) tuple.protocol = field.bytes[0];
        if (field.type == CTA_PROTO_DST_PORT && field.bytes.size() == 2)
          tuple.port = static_cast<std::uint16_t>(field.bytes[0] << 8 | field.bytes[1]);
      }
    });
  });
  return tuple;
}

std::optional<Flow> read_flow(const Received& message) {
  Flow flow;
  Tuple original;
  for_each_attribute(message.attributes(sizeof(nfgenmsg)), [&](const Attribute& attribute) {
    if (attribute.type != CTA_TUPLE_ORIG) return;
    original = read_tuple(attribute.bytes);
    flow.original.assign(attribute.bytes.begin(), attribute.bytes.end());
  });
  if (original.protocol != IPPROTO_UDP || !original.destination) return std::nullopt;
  flow.destination = *original.destination;
  flow.port = original.port;
  return flow;
}

Batch dump_request(Family family, std::uint16_t port) {
  Batch batch;
  batch.begin(message_type(IPCTNL_MSG_CT_GET), NLM_F_REQUEST | NLM_F_DUMP, "list UDP flows");
  batch.append(header_of(family));
  {
    Nest tuple(batch, CTA_TUPLE_ORIG);
    Nest protocol(batch, CTA_TUPLE_PROTO);
    batch.put_u8(CTA_PROTO_NUM, IPPROTO_UDP);
    batch.put_u16(CTA_PROTO_DST_PORT, htons(port));
  }
  Nest filter(batch, CTA_FILTER);
  batch.put_u32(CTA_FILTER_ORIG_FLAGS, filter_protocol | filter_destination_port);
  return batch;
}

Result<std::vector<Flow>> flows_to(Socket& socket, Family family, std::uint16_t port) {
  Batch batch = dump_request(family, port);
  std::vector<Flow> flows;
  Result<> done = socket.dump(batch, [&](const Received& message) {
    auto flow = read_flow(message);
    // An older kernel ignores the filter.
    if (flow && flow->port == port) flows.push_back(*std::move(flow));
  });
  if (done) return flows;
  // A kernel that can't tell (no nf_conntrack_netlink): such flows end by themselves after some minutes of silence.
  const int number = done.error().sys_errno();
  if (number == EINVAL || number == EOPNOTSUPP || number == ENOENT) return flows;
  return fail(std::move(done).error());
}

void forget(Batch& batch, const Flow& flow) {
  batch.begin(message_type(IPCTNL_MSG_CT_DELETE), NLM_F_REQUEST, "forget UDP flow");
  batch.append(header_of(flow.destination.family()));
  batch.put(CTA_TUPLE_ORIG | NLA_F_NESTED, flow.original);
}

}  // namespace

Result<> forget_flows(Socket& netfilter, std::span<const Redirect> redirects) {
  std::vector<Address> own;
  Batch batch;
  for (const Redirect& redirect : redirects) {
    if (redirect.protocol != Protocol::udp) continue;
    if (own.empty()) {
      Socket routes = TRY(Socket::open(NETLINK_ROUTE));
      for (const auto& held : TRY(rtnetlink::list_addresses(routes))) own.push_back(held.address.address);
    }
    for (const Flow& flow : TRY(flows_to(netfilter, redirect.host.family(), redirect.port))) {
      // Flows that only pass by, to the same port of somebody else, go on.
      const bool ours = std::find(own.begin(), own.end(), flow.destination) != own.end();
      const bool asked = redirect.host.is_any() || redirect.host == flow.destination;
      if (asked && ours) forget(batch, flow);
    }
  }
  for (const netlink::Failure& failure : TRY(netfilter.run(batch))) {
    if (failure.error != ENOENT) return fail(Socket::error_of(batch, failure));
  }
  return {};
}

}  // namespace consort::conntrack

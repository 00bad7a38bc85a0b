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

constexpr std::size_t flows_per_step = 256;

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

// The kernel itself can filter by one port; several are filtered here.
Batch list_request(Family family, std::optional<std::uint16_t> port) {
  Batch batch;
  batch.begin(message_type(IPCTNL_MSG_CT_GET), NLM_F_REQUEST | NLM_F_DUMP, "list UDP flows");
  batch.append(header_of(family));
  {
    Nest tuple(batch, CTA_TUPLE_ORIG);
    Nest protocol(batch, CTA_TUPLE_PROTO);
    batch.put_u8(CTA_PROTO_NUM, IPPROTO_UDP);
    if (port) batch.put_u16(CTA_PROTO_DST_PORT, htons(*port));
  }
  Nest filter(batch, CTA_FILTER);
  batch.put_u32(CTA_FILTER_ORIG_FLAGS, filter_protocol | (port ? filter_destination_port : 0));
  return batch;
}

// A kernel without nf_conntrack_netlink cannot list flows; such flows expire by themselves after some minutes of
// silence.
bool means_cannot_tell(const Error& error) {
  const int number = error.sys_errno();
  return number == EINVAL || number == EOPNOTSUPP || number == ENOENT;
}

}  // namespace

Forgetting::Forgetting(std::span<const Redirect> redirects) {
  for (const Redirect& redirect : redirects) {
    if (redirect.protocol != Protocol::udp) continue;
    const Family family = redirect.host.family();
    asked_[{family, redirect.port}].push_back(redirect.host);
    if (std::find(to_list_.begin(), to_list_.end(), family) == to_list_.end()) to_list_.push_back(family);
  }
}

std::optional<Forgetting::Flow> Forgetting::read_flow(const Received& message) {
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

bool Forgetting::is_ours(const Flow& flow) const {
  // Flows that are only forwarded to the same port elsewhere continue.
  if (!own_.contains(flow.destination)) return false;
  const auto found = asked_.find({flow.destination.family(), flow.port});
  return found != asked_.end() && std::ranges::any_of(found->second, [&](const Address& host) {
           return host.is_any() || host == flow.destination;
         });
}

Result<> Forgetting::begin() {
  Socket routes = TRY(Socket::open(NETLINK_ROUTE));
  for (const auto& held : TRY(rtnetlink::list_addresses(routes))) own_.insert(held.address.address);
  socket_ = TRY(Socket::open(NETLINK_NETFILTER));
  return {};
}

Result<> Forgetting::begin_list(Family family) {
  const std::uint16_t port = asked_.begin()->first.port;
  const bool single = std::ranges::all_of(asked_, [&](const auto& entry) { return entry.first.port == port; });
  listing_ = list_request(family, single ? std::optional(port) : std::nullopt);
  return socket_->begin_dump(*listing_);
}

Result<> Forgetting::forget_some() {
  Batch batch;
  for (std::size_t i = 0; i < flows_per_step && !found_.empty(); ++i) {
    const Flow flow = std::move(found_.back());
    found_.pop_back();
    batch.begin(message_type(IPCTNL_MSG_CT_DELETE), NLM_F_REQUEST, "forget UDP flow");
    batch.append(header_of(flow.destination.family()));
    batch.put(CTA_TUPLE_ORIG | NLA_F_NESTED, flow.original);
  }
  for (const netlink::Failure& failure : TRY(socket_->run(batch))) {
    if (failure.error != ENOENT) return fail(Socket::error_of(batch, failure));
  }
  return {};
}

Result<Forgetting::Next> Forgetting::step() {
  if (asked_.empty()) return Next::finished;
  if (!socket_) TRY(begin());
  if (listing_) {
    Result<bool> more = socket_->next_of_dump(*listing_, [&](const Received& message) {
      auto flow = read_flow(message);
      if (flow && is_ours(*flow)) found_.push_back(*std::move(flow));
    });
    if (!more && !means_cannot_tell(more.error())) return fail(std::move(more).error());
    if (!more || !*more) listing_.reset();
    return Next::step;
  }
  if (!found_.empty()) {
    TRY(forget_some());
    return Next::step;
  }
  if (to_list_.empty()) return Next::finished;
  TRY(begin_list(to_list_.back()));
  to_list_.pop_back();
  return Next::step;
}

}  // namespace consort::conntrack

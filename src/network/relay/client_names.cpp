#include "network/relay/client_names.hpp"

#include <linux/fib_rules.h>
#include <linux/rtnetlink.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <cerrno>
#include <utility>

#include "network/link/netlink.hpp"
#include "network/link/socket_address.hpp"
#include "network/nft/nft.hpp"

namespace consort {

namespace {

// Of packets that belong to a relay's socket although they are addressed to somebody else, and of the routing table
// that delivers them here.
constexpr std::uint32_t mark = 0xC0450, routes = 0xC0450;
constexpr int loopback_index = 1;  // in every network namespace

constexpr const char* table_name = "consort_relay";
constexpr const char* chain_name = "answers";
constexpr std::int32_t priority_mangle = -150;

void add_rule(netlink::Batch& batch, int family) {
  batch.begin(RTM_NEWRULE, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL, "add routing rule for relays");
  fib_rule_hdr header{};
  header.family = static_cast<std::uint8_t>(family);
  header.action = FR_ACT_TO_TBL;
  batch.append(header);
  batch.put_u32(FRA_FWMARK, mark);
  batch.put_u32(FRA_TABLE, routes);
  batch.put_u32(FRA_PRIORITY, 100);  // before the tables main and default
}

// Everything is here.
void add_route(netlink::Batch& batch, int family) {
  batch.begin(RTM_NEWROUTE, NLM_F_REQUEST | NLM_F_CREATE | NLM_F_EXCL, "add route for relays");
  rtmsg header{};
  header.rtm_family = static_cast<std::uint8_t>(family);
  header.rtm_protocol = RTPROT_BOOT;
  header.rtm_scope = RT_SCOPE_HOST;
  header.rtm_type = RTN_LOCAL;
  batch.append(header);
  batch.put_u32(RTA_TABLE, routes);
  batch.put_u32(RTA_OIF, loopback_index);
}

Result<> add_routes() {
  netlink::Socket socket = TRY(netlink::Socket::open(NETLINK_ROUTE));
  for (const int family : {AF_INET, AF_INET6}) {
    netlink::Batch batch;
    add_rule(batch, family);
    add_route(batch, family);
    for (const netlink::Failure& failure : TRY(socket.run(batch))) {
      // Without IPv6 in the kernel there are no clients of it.
      if (failure.error != EEXIST && family == AF_INET) return fail(netlink::Socket::error_of(batch, failure));
    }
  }
  return {};
}

// socket transparent 1 meta mark set MARK. A table of its own: a kernel without the expression refuses all of it.
Result<> mark_answers() {
  netlink::Socket socket = TRY(netlink::Socket::open(NETLINK_NETFILTER));
  if (TRY(nft::chain_exists(socket, NFPROTO_INET, table_name, chain_name))) return {};
  netlink::Batch batch;
  nft::Table table(batch, NFPROTO_INET, table_name);
  table.create(nft::Existing::keep);
  table.add_base_chain(chain_name, {"filter", NF_INET_PRE_ROUTING, priority_mangle});
  table.flush_chain(chain_name);  // another supervisor may be at it
  nft::Rule(table, chain_name)
      .socket_transparent(nft::wide(0))
      .equal(nft::wide(0), {1})
      .load(nft::wide(0), nft::bytes_of_u32(mark))
      .set_mark(nft::wide(0));
  const std::vector<netlink::Failure> failures = TRY(socket.run_nft(batch));
  if (!failures.empty()) return fail(netlink::Socket::error_of(batch, failures.front()));
  return {};
}

// The address that packets to somebody leave with; nothing is sent.
std::optional<Address> source_towards(const Address& there) {
  const Fd socket(::socket(there.domain(), SOCK_DGRAM | SOCK_CLOEXEC, 0));
  const SocketAddress name(there, 9);
  SocketAddress here;
  if (!socket || ::connect(socket.get(), name.raw(), name.size) != 0) return {};
  if (::getsockname(socket.get(), here.raw(), &here.size) != 0) return {};
  return here.address();
}

bool bind_as(int socket, const Address& client, std::uint16_t port) {
  const int on = 1;
  const bool v4 = client.is_v4();
  if (::setsockopt(socket, v4 ? SOL_IP : SOL_IPV6, v4 ? IP_TRANSPARENT : IPV6_TRANSPARENT, &on, sizeof on) != 0)
    return false;
  // The same client may be connected to other containers from this port.
  ::setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (port == 0) ::setsockopt(socket, SOL_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
  const SocketAddress name(client, port);
  return ::bind(socket, name.raw(), name.size) == 0;
}

}  // namespace

Result<> bring_answers_back() {
  TRY(add_routes());
  return mark_answers();
}

// The container would look for a client with an address of its own network there, and not ask its gateway.
bool Caller::answers_return(const Address& client) {
  if (!names_clients_ || client.is_loopback() || client.family() != target_.address.family()) return false;
  if (!gateway_) gateway_ = source_towards(target_.address);
  return !gateway_ || source_towards(client) != gateway_;
}

Fd Caller::call_as(int type, const Address& client, std::uint16_t port) const {
  Fd fd(::socket(target_.address.domain(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd || (!client.is_any() && !bind_as(fd.get(), client, port))) return {};
  const SocketAddress to(target_.address, target_.port);
  if (::connect(fd.get(), to.raw(), to.size) != 0 && errno != EINPROGRESS) return {};
  return fd;
}

Fd Caller::call_in_own_name(int type) const {
  return call_as(type, Address::any(target_.address.family()), 0);
}

Caller::Call Caller::call(int type, const Address& client, std::uint16_t client_port) {
  if (answers_return(client)) {
    // Another port where the same one still belongs to an earlier connection.
    for (const std::uint16_t port : {client_port, std::uint16_t{0}})
      if (Fd fd = call_as(type, client, port)) return {std::move(fd), true};
  }
  return {call_in_own_name(type), false};
}

}  // namespace consort

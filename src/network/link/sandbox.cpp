#include "network/sandbox.hpp"

#include <fcntl.h>
#include <netinet/in.h>
#include <sys/random.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>

#include "base/os/processes/container_users.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/strings.hpp"
#include "network/link/namespace.hpp"
#include "network/link/sandbox_parts.hpp"
#include "network/nft/nft.hpp"

namespace consort {

using netlink::Batch;
using netlink::Socket;
using namespace sandbox_parts;

namespace {

constexpr std::uint8_t resolver_bytes[4] = {127, 0, 0, 11};
constexpr std::uint16_t dns_port = 53;

// "net.ipv4.conf.eth0.rp_filter" -> "/proc/sys/net/ipv4/conf/eth0/rp_filter". A name with slashes keeps its dots, as in
// sysctl(8): "net/ipv4/conf/eth0.100/rp_filter".
Result<std::string> sysctl_path(const std::string& name) {
  std::string path = name;
  if (path.find('/') == std::string::npos) std::replace(path.begin(), path.end(), '.', '/');
  const bool safe =
      path.starts_with("net/") && name.find("..") == std::string::npos && path.find('\0') == std::string::npos;
  if (!safe) return fail(Code::invalid, "sysctl '" + name + "' is not allowed");
  return "/proc/sys/" + path;
}

// Before the interfaces exist: they take their settings from "default" when they are created.
Result<> prepare_settings(const SandboxOptions& options) {
  TRY(write_sysctl("/proc/sys/net/ipv4/ip_unprivileged_port_start", "0"));
  TRY(write_sysctl("/proc/sys/net/ipv4/ping_group_range", "0 " + std::to_string(highest_group())));
  if (options.endpoints.empty()) return {};
  // Announces new addresses to the neighbours at once.
  TRY(write_sysctl("/proc/sys/net/ipv4/conf/default/arp_notify", "1"));
  // A kernel without IPv6 has no such file, and nothing to disable.
  if (!has_ipv6(options.endpoints)) (void)write_sysctl("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
  return {};
}

// For veth pairs without a bridge.
Result<> address_host_ends(Socket& host, const SandboxOptions& options, const Sandbox& sandbox) {
  Batch batch;
  std::size_t cables = 0;
  for (const Endpoint& endpoint : options.endpoints) {
    if (!endpoint.parent.empty()) continue;
    const std::string& link = sandbox.host_links[cables++];
    if (endpoint.host_address)
      rtnetlink::add_address(batch, TRY(rtnetlink::link_index(host, link)), *endpoint.host_address);
  }
  return host.transact(batch);
}

Result<> configure_links(Socket& inside, const SandboxOptions& options) {
  Batch batch;
  const WaysOut ways = ways_out(options.endpoints);
  rtnetlink::set_link_up(batch, "lo");
  for (const Endpoint& endpoint : options.endpoints) {
    const int index = TRY(rtnetlink::link_index(inside, endpoint.ifname));
    if (has_ipv6(options.endpoints) && !endpoint.ipv6) TRY(switch_ipv6(endpoint));
    bring_up(batch, index, endpoint);
    if (&endpoint == ways.ipv4) rtnetlink::add_default_route(batch, index, *endpoint.gateway4);
    if (&endpoint == ways.ipv6) rtnetlink::add_default_route(batch, index, *endpoint.gateway6);
  }
  return inside.transact(batch);
}

Result<Fd> bind_resolver(int type, std::uint16_t& port) {
  Fd fd(::socket(AF_INET, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("create DNS socket");
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_port = htons(port);
  std::copy(std::begin(resolver_bytes), std::end(resolver_bytes), reinterpret_cast<std::uint8_t*>(&address.sin_addr));
  if (::bind(fd.get(), reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0)
    return fail_errno("bind DNS socket");
  socklen_t size = sizeof address;
  if (::getsockname(fd.get(), reinterpret_cast<sockaddr*>(&address), &size) != 0) return fail_errno("name DNS socket");
  port = ntohs(address.sin_port);
  if (type == SOCK_STREAM && ::listen(fd.get(), 16) != 0) return fail_errno("listen on DNS socket");
  return fd;
}

enum class Redirection : std::uint8_t { first, another };

// ip daddr 127.0.0.11 th dport 53 dnat to 127.0.0.11:PORT, so that the container itself can serve port 53.
Result<> redirect_resolver(std::uint16_t port, Redirection redirection) {
  Socket socket = TRY(Socket::open(NETLINK_NETFILTER));
  Batch batch;
  nft::Table table(batch, NFPROTO_IPV4, "consort_dns");
  table.create(nft::Existing::keep);
  if (redirection == Redirection::another) {
    table.remove();  // a previous one leads to a closed socket
    table.create(nft::Existing::keep);
  }
  table.add_base_chain("output", {"nat", NF_INET_LOCAL_OUT, -100});
  const nft::Bytes resolver(std::begin(resolver_bytes), std::end(resolver_bytes));
  nft::Rule(table, "output")
      .payload(NFT_PAYLOAD_NETWORK_HEADER, 16, 4, nft::wide(0))
      .equal(nft::wide(0), resolver)
      .payload(NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2, nft::wide(0))
      .equal(nft::wide(0), nft::bytes_of_port(dns_port))
      .load(nft::wide(0), resolver)
      .load(nft::wide(1), nft::bytes_of_port(port))
      .dnat(NFPROTO_IPV4, nft::wide(0), nft::wide(1));
  const std::vector<netlink::Failure> failures = TRY(socket.run_nft(batch));
  if (!failures.empty()) return fail(Socket::error_of(batch, failures.front()));
  return {};
}

Result<> open_resolver(Sandbox& sandbox, Redirection redirection) {
  constexpr int most_tries = 20;
  for (int i = 0;; ++i) {
    std::uint16_t port = 0;
    sandbox.dns_udp = TRY(bind_resolver(SOCK_DGRAM, port));
    // In a new namespace it is also free for TCP; in one that is in use, it may be taken.
    Result<Fd> tcp = bind_resolver(SOCK_STREAM, port);
    if (!tcp && (tcp.error().sys_errno() != EADDRINUSE || i == most_tries)) return fail(std::move(tcp.error()));
    if (!tcp) continue;
    sandbox.dns_tcp = std::move(*tcp);
    return redirect_resolver(port, redirection);
  }
}

Result<> fill(Socket& host, const SandboxOptions& options, Sandbox& sandbox) {
  sandbox.netns = TRY(current_network_namespace());
  TRY(prepare_settings(options));
  TRY(make_links(host, options.endpoints, sandbox.netns.get(), sandbox.host_links));
  TRY(address_host_ends(host, options, sandbox));
  Socket inside = TRY(Socket::open(NETLINK_ROUTE));
  TRY(configure_links(inside, options));
  for (const auto& [name, value] : options.sysctls)
    if (auto written = write_sysctl(TRY(sysctl_path(name)), value); !written)
      return fail(std::move(written).error().wrap("set sysctl", name).about(Subject::setting, "sysctls/" + name));
  if (options.dns == SandboxDns::resolver) TRY_WRAP(open_resolver(sandbox, Redirection::first), "serve names");
  return {};
}

Result<NamespaceVisit> visit_new_namespace(int home, const SandboxOptions& options) {
  if (options.users == SandboxUsers::machine) return NamespaceVisit::create(home);
  const Fd made = options.users_fd >= 0
                      ? TRY(make_network_namespace_of(options.users_fd))
                      : TRY(make_user_namespace(container_id_map(), container_id_map(), WithNetwork::yes)).network;
  return NamespaceVisit::enter(home, made.get());
}

}  // namespace

Result<std::string> random_link_name() {
  std::uint32_t number = 0;
  if (::getrandom(&number, sizeof number, 0) != sizeof number) return fail_errno("get random bytes");
  static constexpr char digits[] = "0123456789abcdef";
  std::string name = "veth";
  for (int i = 0; i < 7; ++i, number >>= 4) name += digits[number & 15];
  return name;
}

HostLink::HostLink(std::unique_ptr<State> state) : state_(std::move(state)) {}
HostLink::HostLink(HostLink&&) noexcept = default;
HostLink& HostLink::operator=(HostLink&&) noexcept = default;
HostLink::~HostLink() = default;

Result<HostLink> HostLink::open() {
  Fd home = TRY(current_network_namespace());
  Socket routes = TRY(Socket::open(NETLINK_ROUTE));
  return HostLink(std::make_unique<State>(State{std::move(home), std::move(routes)}));
}

Result<Sandbox> HostLink::create_sandbox(const SandboxOptions& options) {
  for (const auto& entry : options.sysctls) TRY(sysctl_path(entry.first));
  Sandbox sandbox;
  Result<> filled;
  {
    const NamespaceVisit visit = TRY(visit_new_namespace(state_->home.get(), options));
    filled = fill(state_->routes, options, sandbox);
  }
  if (filled) return sandbox;
  // Everything that was created belongs to the namespace, which ends here.
  return fail(std::move(filled).error().wrap("set up the network of container " + options.container_id.substr(0, 12)));
}

Result<> HostLink::reopen_resolver(Sandbox& sandbox) {
  const NamespaceVisit visit = TRY(NamespaceVisit::enter(state_->home.get(), sandbox.netns.get()));
  return open_resolver(sandbox, Redirection::another);
}

}  // namespace consort

#include <cerrno>

#include "base/os/file.hpp"
#include "base/strings.hpp"
#include "network/link/socket_address.hpp"
#include "network/ports.hpp"

namespace consort {

namespace {

struct Range {
  std::uint16_t first;
  std::uint16_t last;
};

Range ephemeral_range() {
  const Result<std::string> text = read_file("/proc/sys/net/ipv4/ip_local_port_range");
  if (text) {
    const std::vector<std::string> parts = split(trim(*text), '\t');
    const auto first = parse_unsigned(parts.front()), last = parse_unsigned(parts.back());
    if (first && last && *first > 0 && *first <= *last && *last <= 65535)
      return {static_cast<std::uint16_t>(*first), static_cast<std::uint16_t>(*last)};
  }
  return {32768, 60999};
}

Result<std::vector<Address>> addresses_of(const PortRequest& request) {
  if (request.host_ip.empty()) return std::vector{Address::any(Family::v4), Address::any(Family::v6)};
  const auto address = Address::parse(request.host_ip);
  if (!address) return fail(Code::invalid, "Invalid ip address: " + request.host_ip);
  return std::vector{*address};
}

Result<Fd> hold(const Address& address, std::uint16_t port, Protocol protocol) {
  const int type = protocol == Protocol::tcp ? SOCK_STREAM : SOCK_DGRAM;
  Fd fd(::socket(address.domain(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("create socket");
  const int on = 1;
  // TCP only: connections that linger from before must not keep us off; for UDP it would allow two owners.
  if (protocol == Protocol::tcp) ::setsockopt(fd.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
  if (!address.is_v4()) ::setsockopt(fd.get(), IPPROTO_IPV6, IPV6_V6ONLY, &on, sizeof on);
  const SocketAddress name(address, port);
  if (::bind(fd.get(), name.raw(), name.size) != 0) return fail_errno("bind");
  if (protocol == Protocol::tcp && ::listen(fd.get(), SOMAXCONN) != 0) return fail_errno("listen");
  return fd;
}

bool means_no_ipv6(const Error& error) {
  return error.sys_errno() == EAFNOSUPPORT || error.sys_errno() == EADDRNOTAVAIL;
}

Result<ReservedPort> hold_all(const PortRequest& request, const std::vector<Address>& addresses, std::uint16_t port) {
  ReservedPort reserved;
  reserved.request = request;
  reserved.host_port = port;
  for (const Address& address : addresses) {
    Result<Fd> fd = hold(address, port, request.protocol);
    // A host without IPv6 has no [::]; that is not what the user asked for by name.
    if (!fd && request.host_ip.empty() && !address.is_v4() && means_no_ipv6(fd.error())) continue;
    if (!fd) return fail(std::move(fd).error().wrap({}, address.to_string()));
    reserved.sockets.push_back({address, *std::move(fd)});
  }
  return reserved;
}

std::string endpoint_text(const Address& address, std::uint16_t port) {
  const std::string host = address.is_v4() ? address.to_string() : "[" + address.to_string() + "]";
  return host + ":" + std::to_string(port);
}

Error taken(const PortRequest& request, const Address& address, std::uint16_t port, const PortOwnerLookup& owner) {
  const std::string where = endpoint_text(address, port);
  const std::string another = "publish another port, for instance \"" + std::to_string(port + 1) + ":" +
                              std::to_string(request.container_port) + "\"";
  const std::optional<PortHolder> holder = find_port_holder(request.protocol, port);
  const auto known = owner ? owner(holder ? holder->pid : 0, request, port) : std::nullopt;
  if (known)
    return Error(Code::conflict, "Bind for " + where + " failed")
        .why("port is already allocated by " + *known)
        .hint("stop it first, or " + another);
  Error error(Code::conflict, "failed to bind host port for " + where + ":" + std::to_string(request.container_port) +
                                  "/" + std::string(to_string(request.protocol)));
  if (!holder) return std::move(error).why("address already in use").hint(another);
  return std::move(error)
      .why("address already in use by process " + std::to_string(holder->pid) + " (" + holder->name + ")")
      .hint("stop " + holder->name + ", or " + another);
}

}  // namespace

std::string_view to_string(Protocol protocol) {
  return protocol == Protocol::tcp ? "tcp" : "udp";
}

std::optional<Protocol> parse_protocol(std::string_view text) {
  if (text == "tcp") return Protocol::tcp;
  if (text == "udp") return Protocol::udp;
  return std::nullopt;
}

Result<ReservedPort> reserve_port(const PortRequest& request, const PortOwnerLookup& owner) {
  const std::vector<Address> addresses = TRY(addresses_of(request));
  Range range{request.host_port, std::max(request.host_port, request.host_port_end)};
  if (request.host_port == 0) range = ephemeral_range();
  for (unsigned port = range.first; port <= range.last; ++port) {
    Result<ReservedPort> reserved = hold_all(request, addresses, static_cast<std::uint16_t>(port));
    if (reserved) return reserved;
    const int number = reserved.error().sys_errno();
    if (number == EADDRINUSE && range.first != range.last) continue;
    const auto address = Address::parse(reserved.error().data().object).value_or(addresses.front());
    if (number == EADDRINUSE) return fail(taken(request, address, static_cast<std::uint16_t>(port), owner));
    return fail_errno(number, "failed to bind host port for " +
                                  endpoint_text(address, static_cast<std::uint16_t>(port)) + "/" +
                                  std::string(to_string(request.protocol)));
  }
  return fail(Error(Code::conflict, "all ports are allocated")
                  .why("none of " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" +
                       std::string(to_string(request.protocol)) + " is free"));
}

}  // namespace consort

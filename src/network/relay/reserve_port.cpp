#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <map>

#include "base/os/files/file.hpp"
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
  std::vector<Address> addresses{Address::any(Family::v4), Address::any(Family::v6)};
  if (!request.host_ip.empty()) {
    const auto address = Address::parse(request.host_ip);
    if (!address) return fail(Code::invalid, "Invalid ip address: " + request.host_ip);
    addresses = {*address};
  }
  std::erase_if(addresses, [&](const Address& each) { return each.is_v4() ? request.skip_ipv4 : request.skip_ipv6; });
  return addresses;
}

Result<Fd> hold(const Address& address, std::uint16_t port, Protocol protocol) {
  const int type = protocol == Protocol::tcp ? SOCK_STREAM : SOCK_DGRAM;
  Fd fd(::socket(address.domain(), type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0));
  if (!fd) return fail_errno("create socket");
  const int on = 1;
  // TCP only: lingering connections must not prevent the bind. For UDP it would allow two owners.
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

Result<Fd> hold_outside(const Address& address, std::uint16_t port, Protocol protocol, const HostSockets& outside) {
  const SocketAddress name(address, port);
  return outside(address.domain(), protocol == Protocol::tcp ? SOCK_STREAM : SOCK_DGRAM, name.raw(), name.size);
}

Result<ReservedPort> hold_all(const PortRequest& request, const std::vector<Address>& addresses, std::uint16_t port,
                              const HostSockets& outside) {
  ReservedPort reserved;
  reserved.request = request;
  reserved.host_port = port;
  for (const Address& address : addresses) {
    if (outside) {
      Result<Fd> fd = hold_outside(address, port, request.protocol, outside);
      if (!fd && request.host_ip.empty() && !address.is_v4() && means_no_ipv6(fd.error())) continue;
      if (!fd && fd.error().subject() == Subject::program) return fail(std::move(fd).error());  // its holder
      if (!fd) return fail(std::move(fd).error().about(Subject::address, address.to_string()));
      reserved.sockets.push_back({address, *std::move(fd), true});
    }
    Result<Fd> fd = hold(address, port, request.protocol);
    // Inside, for other containers, if there is such an address.
    if (!fd && outside && means_no_ipv6(fd.error())) continue;
    // A host without IPv6 has no [::], which the user did not ask for explicitly.
    if (!fd && request.host_ip.empty() && !address.is_v4() && means_no_ipv6(fd.error())) continue;
    if (!fd) return fail(std::move(fd).error().about(Subject::address, address.to_string()));
    reserved.sockets.push_back({address, *std::move(fd), false});
  }
  return reserved;
}

std::string endpoint_text(const Address& address, std::uint16_t port) {
  const std::string host = address.is_v4() ? address.to_string() : "[" + address.to_string() + "]";
  return host + ":" + std::to_string(port);
}

std::string another_port(const PortRequest& request, std::uint16_t port) {
  return "publish another port, for example \"" + std::to_string(port + 1) + ":" +
         std::to_string(request.container_port) + "\"";
}

Error bind_error(const PortRequest& request, const Address& address, std::uint16_t port) {
  return Error(Code::conflict, "failed to bind host port for " + endpoint_text(address, port) + ":" +
                                   std::to_string(request.container_port) + "/" +
                                   std::string(to_string(request.protocol)));
}

// Explains a failed bind to the user, unless the port is taken.
Error other_error(int number, const PortRequest& request, const Address& address, std::uint16_t port) {
  Error error = errno_error(number, "failed to bind host port for " + endpoint_text(address, port) + "/" +
                                        std::string(to_string(request.protocol)));
  if (number == EACCES) {
    const std::string lowest = std::to_string(port);
    return std::move(error).hint(
        "only root can publish ports below 1024: publish a higher one, or allow all users to: sudo sysctl -w "
        "net.ipv4.ip_unprivileged_port_start=" +
        lowest);
  }
  if (number != EMFILE && number != ENFILE) return error;
  rlimit limit{};
  ::getrlimit(RLIMIT_NOFILE, &limit);
  return std::move(error).hint("the supervisor needs two open files for each published port, but is limited to " +
                               std::to_string(limit.rlim_cur) +
                               ": raise the limit (`ulimit -Hn`, LimitNOFILE=) and start again");
}

Error taken_by_ours(const PortRequest& request, const Address& address, std::uint16_t port, const std::string& owner) {
  return Error(Code::conflict, "Bind for " + endpoint_text(address, port) + " failed")
      .why("port is already allocated by " + owner)
      .hint("stop it first, or " + another_port(request, port));
}

// Only until that connection ends, and it may happen again with every port of the range.
Error taken_by_connection(const PortHolder& holder, const PortRequest& request, const Address& address,
                          std::uint16_t port) {
  const Range given = ephemeral_range();
  const std::string whose = holder.pid == 0
                                ? "a connection of this machine"
                                : "a connection of process " + std::to_string(holder.pid) + " (" + holder.name + ")";
  Error error = bind_error(request, address, port);
  if (port < given.first || port > given.last)
    return std::move(error).why(whose + " is using it").hint(another_port(request, port));
  const unsigned inside = request.container_port;
  const unsigned lower = inside >= 1024 && inside < given.first ? inside : 8000 + inside % 1000;
  return std::move(error)
      .why(whose + " is using it at the moment: ports " + std::to_string(given.first) + " to " +
           std::to_string(given.last) + " are used for outgoing connections")
      .hint("publish a port below " + std::to_string(given.first) + ", for example \"" + std::to_string(lower) + ":" +
            std::to_string(inside) + "\"");
}

Error taken_by(const std::optional<PortHolder>& holder, const PortRequest& request, const Address& address,
               std::uint16_t port) {
  if (holder && holder->by == PortHolder::By::connection) return taken_by_connection(*holder, request, address, port);
  Error error = bind_error(request, address, port);
  if (!holder) return std::move(error).why("address already in use").hint(another_port(request, port));
  return std::move(error)
      .why("address already in use by process " + std::to_string(holder->pid) + " (" + holder->name + ")")
      .hint("stop " + holder->name + ", or " + another_port(request, port));
}

// The holder as reported by HostSockets.
std::optional<PortHolder> told_holder(const Error& error) {
  if (error.subject() != Subject::program) return std::nullopt;
  const std::string& told = error.subject_name();
  const std::size_t space = told.find(' ');
  const auto pid = parse_unsigned(told.substr(0, space));
  if (!pid || space == std::string::npos) return std::nullopt;
  return PortHolder{static_cast<pid_t>(*pid), told.substr(space + 1), PortHolder::By::name};
}

using std::chrono::steady_clock;

constexpr int ports_per_step = 32;  // while searching a range for a free port
constexpr std::chrono::milliseconds patience_with_nobody{500};

}  // namespace

struct PortReservation::State {
  std::vector<PortRequest> requests;
  PortOwnerLookup owner;
  HostSockets outside;
  std::vector<ReservedPort> done;

  // For the request in progress.
  std::vector<Address> addresses;
  Range range{0, 0};
  unsigned next_port = 0;
  struct Conflict {
    Address address;
    std::uint16_t port;
    PortHolderSearch search;
  };
  std::optional<Conflict> conflict;
  std::optional<steady_clock::time_point> give_up;  // set while waiting for a port without a visible holder
  // Where the last search for a free ephemeral port ended, by address and protocol: a thousand searches would otherwise
  // all start at the same end.
  std::map<std::pair<std::string, Protocol>, unsigned> next_ephemeral;

  Result<Next> advance(const PortRequest& request);
  Result<> begin(const PortRequest& request);
  Result<Next> try_some(const PortRequest& request);
  Result<> on_failure(const PortRequest& request, std::uint16_t port, Error error);
  Result<> refuse_twice(const PortRequest& request, std::uint16_t port) const;
  bool may_be_free_soon();
  std::string port_in_question(const PortRequest& request) const;
};

PortReservation::PortReservation(std::vector<PortRequest> requests, PortOwnerLookup owner, HostSockets outside)
    : state_(std::make_unique<State>()) {
  state_->requests = std::move(requests);
  state_->owner = std::move(owner);
  state_->outside = std::move(outside);
}
PortReservation::PortReservation(PortReservation&&) noexcept = default;
PortReservation& PortReservation::operator=(PortReservation&&) noexcept = default;
PortReservation::~PortReservation() = default;

std::size_t PortReservation::reserved() const {
  return state_->done.size();
}

std::vector<ReservedPort> PortReservation::take() {
  return std::move(state_->done);
}

Result<> PortReservation::State::begin(const PortRequest& request) {
  range = {request.host_port, std::max(request.host_port, request.host_port_end)};
  addresses = TRY(addresses_of(request));
  if (request.host_port == 0) range = ephemeral_range();
  next_port = range.first;
  if (request.host_port != 0) return {};
  const auto last = next_ephemeral.find({request.host_ip, request.protocol});
  if (last != next_ephemeral.end()) next_port = last->second;
  return {};
}

// The holder would be our own socket, under our name, which would not help the user.
Result<> PortReservation::State::refuse_twice(const PortRequest& request, std::uint16_t port) const {
  const auto taken = std::ranges::find_if(done, [&](const ReservedPort& other) {
    const bool same_ip =
        other.request.host_ip.empty() || request.host_ip.empty() || other.request.host_ip == request.host_ip;
    return same_ip && other.host_port == port && other.request.protocol == request.protocol;
  });
  if (taken == done.end()) return {};
  return fail(Error(Code::conflict, "Bind for " + (request.host_ip.empty() ? "0.0.0.0" : request.host_ip) + ":" +
                                        std::to_string(port) + " failed")
                  .why("port is already allocated")
                  .hint("the container already publishes it for its port " +
                        std::to_string(taken->request.container_port) + ": publish another one"));
}

// Returns an error that ends everything; on success, continue with the next port of the range, or with the search for
// the holder.
Result<> PortReservation::State::on_failure(const PortRequest& request, std::uint16_t port, Error error) {
  const int number = error.sys_errno();
  if (number == EADDRINUSE && range.first != range.last) return {};
  const Address address = Address::parse(error.subject_name()).value_or(addresses.front());
  if (number != EADDRINUSE) return fail(other_error(number, request, address, port));
  TRY(refuse_twice(request, port));
  const std::optional<PortHolder> told = outside ? told_holder(error) : std::nullopt;
  conflict.emplace(address, port, told ? PortHolderSearch(*told) : PortHolderSearch(request.protocol, port));
  return {};
}

Result<PortReservation::Next> PortReservation::State::try_some(const PortRequest& request) {
  for (int i = 0; i < ports_per_step; ++i) {
    if (next_port > range.last)
      return fail(Error(Code::conflict, "all ports are allocated")
                      .why("none of " + std::to_string(range.first) + "-" + std::to_string(range.last) + "/" +
                           std::string(to_string(request.protocol)) + " is free"));
    const auto port = static_cast<std::uint16_t>(next_port++);
    Result<ReservedPort> reserved = hold_all(request, addresses, port, outside);
    if (!reserved) {
      TRY(on_failure(request, port, std::move(reserved).error()));
      if (conflict) return Next::step;
      continue;
    }
    if (request.host_port == 0) next_ephemeral[{request.host_ip, request.protocol}] = next_port;
    done.push_back(*std::move(reserved));
    addresses.clear();
    give_up.reset();
    return done.size() == requests.size() ? Next::finished : Next::step;
  }
  return Next::step;
}

Result<PortReservation::Next> PortReservation::State::advance(const PortRequest& request) {
  if (!conflict) {
    if (addresses.empty()) TRY(begin(request));
    return try_some(request);
  }
  if (conflict->search.step() == Next::step) return Next::step;
  const std::optional<PortHolder>& holder = conflict->search.found();
  const bool connects = holder && holder->by == PortHolder::By::connection;
  const auto ours = owner && !connects ? owner(holder ? holder->pid : 0, request, conflict->port) : std::nullopt;
  if (ours) return fail(taken_by_ours(request, conflict->address, conflict->port, *ours));
  const bool being_dropped = holder && holder->pid == ::getppid();  // by the keeper
  if ((!holder || connects || being_dropped) && may_be_free_soon()) {
    next_port = conflict->port;
    conflict.reset();
    return Next::step;
  }
  return fail(taken_by(holder, request, conflict->address, conflict->port));
}

// Either the holder is already gone (a keeper that has just dropped the ports of a previous container), or a connection
// uses the port as its local end.
bool PortReservation::State::may_be_free_soon() {
  const auto now = steady_clock::now();
  if (!give_up) give_up = now + patience_with_nobody;
  return now < *give_up;
}

// As the subject of errors.
std::string PortReservation::State::port_in_question(const PortRequest& request) const {
  std::string text = std::to_string(range.first);
  if (range.last != range.first) text += "-" + std::to_string(range.last);
  return text + "/" + std::string(to_string(request.protocol));
}

Result<PortReservation::Next> PortReservation::step() {
  if (state_->done.size() == state_->requests.size()) return Next::finished;
  const PortRequest& request = state_->requests[state_->done.size()];
  Result<Next> next = state_->advance(request);
  if (!next) return fail(std::move(next).error().about(Subject::port, state_->port_in_question(request)));
  return next;
}

std::string_view to_string(Protocol protocol) {
  return protocol == Protocol::tcp ? "tcp" : "udp";
}

std::optional<Protocol> parse_protocol(std::string_view text) {
  if (text == "tcp") return Protocol::tcp;
  if (text == "udp") return Protocol::udp;
  return std::nullopt;
}

Result<ReservedPort> reserve_again(const Address& address, std::uint16_t port, const PortRequest& request) {
  Fd fd = TRY(hold(address, port, request.protocol));
  ReservedPort reserved;
  reserved.request = request;
  reserved.host_port = port;
  reserved.sockets.push_back({address, std::move(fd), false});
  return reserved;
}

bool is_outside(int socket) {
  const auto namespace_of = [](int fd) {
    std::uint64_t cookie = 0;
    socklen_t size = sizeof cookie;
    return ::getsockopt(fd, SOL_SOCKET, SO_NETNS_COOKIE, &cookie, &size) == 0 ? cookie : 0;
  };
  const Fd ours(::socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0));
  return ours && namespace_of(socket) != namespace_of(ours.get());
}

// A socket that is bound with SO_REUSEADDR and does not listen does not block others.
void stop_listening(std::span<const ReservedPort> ports) {
  for (const ReservedPort& port : ports)
    for (const PortSocket& socket : port.sockets) ::shutdown(socket.fd.get(), SHUT_RDWR);
}

Result<ReservedPort> reserve_port(const PortRequest& request, const PortOwnerLookup& owner) {
  PortReservation reservation({request}, owner);
  while (TRY(reservation.step()) == SteppedWork::Next::step) continue;
  return std::move(reservation.take().front());
}

}  // namespace consort

// ContainerNetwork: taking over from a supervisor that has died.
#include <fcntl.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <algorithm>
#include <set>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "supervisor/container/container_network.hpp"
#include "supervisor/container/foreign_port.hpp"
#include "supervisor/container/unit_parts.hpp"

namespace consort::supervisor {
namespace {

constexpr Milliseconds first_retry{250}, longest_retry{8000};

// The address that an inherited listening socket is bound to.
std::optional<std::pair<consort::Address, std::uint16_t>> bound_to(int socket) {
  sockaddr_storage name{};
  socklen_t size = sizeof name;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&name), &size) != 0) return std::nullopt;
  if (name.ss_family == AF_INET) {
    const auto& v4 = reinterpret_cast<const sockaddr_in&>(name);
    return std::pair(consort::Address::from_bytes(Family::v4, &v4.sin_addr), ntohs(v4.sin_port));
  }
  if (name.ss_family != AF_INET6) return std::nullopt;
  const auto& v6 = reinterpret_cast<const sockaddr_in6&>(name);
  return std::pair(consort::Address::from_bytes(Family::v6, &v6.sin6_addr), ntohs(v6.sin6_port));
}

// Exactly this address and port.
PortRequest request_of(const BoundPort& port) {
  return PortRequest{port.host_ip, port.host_port, 0, port.container_port,
                     parse_protocol(port.protocol).value_or(Protocol::tcp)};
}

ReservedPort without_socket(const BoundPort& port, const consort::Address& address) {
  ReservedPort made;
  made.request = request_of(port);
  made.host_port = port.host_port;
  made.sockets.push_back(PortSocket{address, Fd(), false});
  return made;
}

bool may_be(const PortUnit& wanted, const BoundPort& was) {
  const bool host =
      wanted.host_ip.empty() || consort::Address::parse(wanted.host_ip) == consort::Address::parse(was.host_ip);
  const bool in_range = wanted.host_port == 0 || (was.host_port >= wanted.host_port &&
                                                  was.host_port <= std::max(wanted.host_port, wanted.host_port_end));
  return host && in_range && was.container_port == wanted.container_port && was.protocol == wanted.protocol;
}

std::string why_of(const Error& error) {
  return error.data().why.empty() ? error.message() : error.data().why;
}

constexpr const char* connection_mark = "/conn/";

}  // namespace

std::string ContainerNetwork::port_name(std::size_t port, std::size_t socket) const {
  return id_ + "/port/" + std::to_string(port) + "/" + std::to_string(socket);
}

void ContainerNetwork::adopt(const ContainerUnit& unit, KeeperLink::Inheritance& inheritance, const Record& record) {
  std::map<std::string, Fd>& kept = inheritance.descriptors;
  id_ = unit.id;
  told_ = record.told_ports;
  target_ = port_target_of(unit);
  were_bound_ = record.state.ports;
  std::erase_if(were_bound_, [](const BoundPort& port) { return port.host_port == 0; });  // only opened, not bound
  opened_ = openings_of(unit);
  for (const LostPort& lost : record.state.lost_ports) were_bound_.push_back(lost.port);
  const auto take = [&](const std::string& name) {
    const auto found = kept.find(name);
    return found == kept.end() ? Fd() : std::move(found->second);
  };
  sandbox_.netns = take(unit.id + "/netns");
  sandbox_.dns_udp = take(unit.id + "/dns_udp");
  sandbox_.dns_tcp = take(unit.id + "/dns_tcp");
  sandbox_.host_links = record.host_links;
  for (std::size_t i = 0; i < unit.ports.size(); ++i) {
    ReservedPort port;
    port.request = port_request_of(unit.ports[i]);
    for (std::size_t j = 0;; ++j) {
      Fd socket = take(port_name(i, j));
      if (!socket) break;
      const auto bound = bound_to(socket.get());
      if (!bound) break;
      port.host_port = bound->second;
      const bool outside = context_.place && is_outside(socket.get());
      port.sockets.push_back(PortSocket{bound->first, std::move(socket), outside});
    }
    ports_.push_back(std::move(port));  // even if empty: the index of a port is part of the names
  }
  adopt_connections(kept);
}

// ID/conn/PORT/SOCKET/NUMBER/ followed by the part's name.
std::string ContainerNetwork::Connections::name_of(const ConnectionId& id) const {
  return network_.id_ + connection_mark + std::to_string(id.port) + "/" + std::to_string(id.socket) + "/" +
         std::to_string(id.number) + "/";
}

void ContainerNetwork::Connections::keep(const ConnectionId& id, std::span<const int, KeptConnection::parts> borrowed) {
  const std::string name = name_of(id);
  for (std::size_t part = 0; part < borrowed.size(); ++part)
    network_.context_.keeper.put(name + std::to_string(part), borrowed[part]);
}

void ContainerNetwork::Connections::forget(const ConnectionId& id) {
  network_.context_.keeper.remove(name_of(id) + "*");
}

void ContainerNetwork::adopt_connections(std::map<std::string, Fd>& kept) {
  const std::string prefix = id_ + connection_mark;
  std::map<ConnectionId, KeptConnection> connections;
  for (auto at = kept.lower_bound(prefix); at != kept.end() && at->first.starts_with(prefix); ++at) {
    std::vector<std::uint64_t> numbers;
    for (const std::string& part : split(std::string_view(at->first).substr(prefix.size()), '/'))
      numbers.push_back(parse_unsigned(part).value_or(UINT64_MAX));
    if (numbers.size() != 4 || numbers[3] >= KeptConnection::parts) continue;
    const ConnectionId id{numbers[0], numbers[1], numbers[2]};
    KeptConnection& connection = connections[id];
    connection.id = id;
    connection.descriptors[numbers[3]] = std::move(at->second);
  }
  for (auto& [id, connection] : connections) connections_.inherited.push_back(std::move(connection));
}

Result<> ContainerNetwork::recover_sandbox(const ContainerUnit& unit, int process) {
  if (unit.network_mode == NetworkMode::host || unit.network_mode == NetworkMode::container) return {};
  sandbox_.netns = TRY(open_at(process, "ns/net", O_RDONLY));
  if (unit.endpoints.empty()) return {};
  HostLink* host = TRY(context_.host_link());
  return host->reopen_resolver(sandbox_);
}

Result<> ContainerNetwork::recover(const ContainerUnit& unit, int process) {
  Result<> sandbox = recover_sandbox(unit, process);
  keep_sandbox();
  return sandbox;
}

Result<> ContainerNetwork::resume(const ContainerUnit& unit, std::function<void()> changed) {
  changed_ = std::move(changed);
  find_lost(unit);
  Result<> named = serve_names(unit);
  if (named) named = open_routed(openings_of(unit));
  if (!lost_.empty()) try_lost();
  return named;
}

// Nothing is published yet: neither the ports that the keeper held nor those that must be bound again.
void ContainerNetwork::find_lost(const ContainerUnit& unit) {
  std::map<std::pair<std::uint16_t, std::string>, std::vector<std::size_t>> places;
  for (std::size_t i = 0; i < unit.ports.size(); ++i)
    places[{unit.ports[i].container_port, unit.ports[i].protocol}].push_back(i);
  for (BoundPort& was : std::exchange(were_bound_, {})) {
    // The previous port, not where a range in the file may lead now, and never two in one place.
    const auto& possible = places[{was.container_port, was.protocol}];
    const auto place = std::ranges::find_if(possible, [&](std::size_t i) {
      const bool taken = ports_[i].host_port != 0 && ports_[i].host_port != was.host_port;
      return !taken && may_be(unit.ports[i], was);
    });
    if (place == possible.end()) continue;
    ReservedPort& port = ports_[*place];
    port.host_port = was.host_port;
    Lost lost{std::move(was), *place, {}, {}};
    for (std::size_t j = 0; j < port.sockets.size(); ++j)
      if (port.sockets[j].address.to_string() == lost.port.host_ip) lost.socket = j;
    lost_.push_back(std::move(lost));
  }
}

struct ContainerNetwork::Rebinding {
  std::size_t next = 0;                        // in lost_
  std::optional<PortReservation> reservation;  // of that port
};

// Tries to bind all missing ports, then publishes those that are ours, even if others failed.
void ContainerNetwork::try_lost() {
  if (change_) return;  // called again when the change ends
  work_ = std::make_unique<SteppedWork>(
      context_.loop,
      [this, rebinding = std::make_unique<Rebinding>()]() -> Result<SteppedWork::Next> {
        return bind_step(*rebinding);
      },
      [this](const Result<>&) {
        work_.reset();
        publish_held();
      });
}

SteppedWork::Next ContainerNetwork::bind_step(Rebinding& rebinding) {
  using Next = SteppedWork::Next;
  while (rebinding.next < lost_.size() && lost_[rebinding.next].socket) ++rebinding.next;
  if (rebinding.next == lost_.size()) return Next::finished;
  Lost& lost = lost_[rebinding.next];
  if (!lost.why.empty() &&
      !context_.place) {  // the first attempt determined the holder, which takes a look at every process
    const auto address = consort::Address::parse(lost.port.host_ip);
    if (address)
      if (auto again = reserve_again(*address, lost.port.host_port, request_of(lost.port)))
        hold(lost, std::move(*again));
    ++rebinding.next;
    return Next::step;
  }
  // Among our containers, only this one has held it, so the holder must be foreign.
  const PortOwnerLookup other = [](pid_t holder, const PortRequest& request, std::uint16_t port) {
    return foreign_port_owner(holder, std::string(to_string(request.protocol)), port);
  };
  if (!rebinding.reservation)
    rebinding.reservation.emplace(std::vector{request_of(lost.port)}, other, context_.host_sockets());
  const auto reserved = rebinding.reservation->step();
  if (reserved && *reserved == Next::step) return Next::step;
  if (reserved)
    hold(lost, std::move(rebinding.reservation->take().front()));
  else
    lost.why = why_of(reserved.error());
  rebinding.reservation.reset();
  ++rebinding.next;
  return Next::step;
}

void ContainerNetwork::hold(Lost& lost, ReservedPort port) {
  std::vector<PortSocket>& sockets = ports_[lost.place].sockets;
  lost.socket = sockets.size();
  for (PortSocket& socket : port.sockets) sockets.push_back(std::move(socket));
  keep_port(lost.place);
}

// The ports that we hold but have not published yet: all sockets of their addresses. In a rootless network there are
// two of each, one of them on the host.
std::set<std::pair<std::size_t, std::size_t>> ContainerNetwork::held_sockets() const {
  std::set<std::pair<std::size_t, std::size_t>> held;
  for (const Lost& lost : lost_) {
    if (!lost.socket) continue;
    const std::vector<PortSocket>& sockets = ports_[lost.place].sockets;
    for (std::size_t i = 0; i < sockets.size(); ++i)
      if (sockets[i].address == sockets[*lost.socket].address) held.emplace(lost.place, i);
  }
  return held;
}

void ContainerNetwork::publish_held() {
  const std::set<std::pair<std::size_t, std::size_t>> held = held_sockets();
  if (held.empty()) return note_published({});
  auto publisher = context_.publisher();
  if (!publisher) return note_published(fail(std::move(publisher.error())));
  PortPublisher::Publication publication;
  publication.ports = ports_;
  publication.target = target_;
  publication.keeper = &connections_;
  publication.inherited = std::exchange(connections_.inherited, {});
  publication.predecessor = PortPublisher::Publication::Predecessor::possible;
  publication.includes = [held](std::size_t port, std::size_t socket) { return held.contains({port, socket}); };
  const PortPublisher::Id id = (*publisher)->publish(std::move(publication), [this](const Result<>& published) {
    publishing_held_ = false;
    if (!published) published_.pop_back();
    note_published(published);
  });
  published_.push_back(id);
  publishing_held_ = true;
}

void ContainerNetwork::forget_held() {
  std::erase_if(lost_, [](const Lost& lost) { return lost.socket.has_value(); });
}

void ContainerNetwork::note_published(const Result<>& published) {
  if (published) {
    forget_held();
  } else {
    for (Lost& lost : lost_)
      if (lost.socket) lost.why = published.error().message();
  }
  const bool first = retry_delay_ == Milliseconds(0);
  if (Result<> disowned = first ? disown_lost() : Result<>(); !disowned) log_line(disowned.error().message());
  told_.clear();
  for (const Lost& lost : lost_) told_.push_back(lost.port);
  if (!lost_.empty()) {
    retry_delay_ = std::clamp(2 * retry_delay_, first_retry, longest_retry);
    retry_ = context_.loop.after(retry_delay_, [this] {
      retry_ = 0;
      try_lost();
    });
  }
  changed_();
}

// From now on their new owners get the traffic for them.
Result<> ContainerNetwork::disown_lost() {
  std::vector<ReservedPort> ports;
  for (const Lost& lost : lost_)
    if (const auto address = consort::Address::parse(lost.port.host_ip); address && !lost.socket)
      ports.push_back(without_socket(lost.port, *address));
  if (ports.empty()) return {};
  PortPublisher* publisher = TRY(context_.publisher());
  return publisher->disown(ports, target_);
}

std::vector<LostPort> ContainerNetwork::lost_ports() const {
  std::vector<LostPort> ports;
  for (const Lost& lost : lost_) ports.push_back(LostPort{lost.port, lost.why});
  return ports;
}

// Works for ports whose sockets are held, by the keeper or again by us, so that they cannot be taken in the meantime. A
// port that another process has taken since then stays with it; only rules that lead to our container are removed. All
// at once instead of in steps, because this object may be about to be destroyed.
Result<> ContainerNetwork::take_back(std::vector<ReservedPort> ports) {
  const auto held = [&](const consort::Address& address, const BoundPort& port) {
    return std::ranges::any_of(ports, [&](const ReservedPort& ours) {
      return ours.host_port == port.host_port && to_string(ours.request.protocol) == port.protocol &&
             std::ranges::any_of(ours.sockets, [&](const PortSocket& socket) { return socket.address == address; });
    });
  };
  std::vector<ReservedPort> of_others;
  for (const BoundPort& port : std::exchange(told_, {})) {
    const auto address = consort::Address::parse(port.host_ip);
    if (!address || held(*address, port)) continue;
    auto again = reserve_again(*address, port.host_port, request_of(port));
    if (again)
      ports.push_back(std::move(*again));
    else
      of_others.push_back(without_socket(port, *address));
  }
  PortPublisher* publisher = TRY(context_.publisher());
  TRY(publisher->take_back(ports, target_));
  return publisher->disown(of_others, target_);
}

}  // namespace consort::supervisor

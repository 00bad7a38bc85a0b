#include "supervisor/container/container_network.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <algorithm>

#include "base/os/file.hpp"
#include "base/os/process_folder.hpp"
#include "base/strings.hpp"
#include "supervisor/container/container.hpp"
#include "supervisor/container/foreign_port.hpp"
#include "supervisor/container/unit_parts.hpp"

namespace consort::supervisor {
namespace {

std::optional<consort::Address> plain(const std::string& with_prefix) {
  const auto parsed = InterfaceAddress::parse(with_prefix);
  return parsed ? std::optional(parsed->address) : std::nullopt;
}

PortRequest request_of(const PortUnit& port) {
  ContainerUnit unit;
  unit.ports = {port};
  return port_requests_of(unit).front();
}

// Where a kept listening socket is bound.
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

constexpr const char* connection_mark = "/conn/";

std::string port_key(const std::string& id, std::size_t port, std::size_t socket) {
  return id + "/port/" + std::to_string(port) + "/" + std::to_string(socket);
}

}  // namespace

Result<> ContainerNetwork::make_sandbox(const ContainerUnit& unit) {
  if (unit.network_mode == NetworkMode::host) return {};
  if (unit.network_mode == NetworkMode::container) {
    joined_ = TRY_WRAP(open_namespace_of(context_, unit.network_container, "net"), "join network of container",
                       unit.network_container.substr(0, 12));
    return {};
  }
  const SandboxOptions options = TRY(sandbox_options_of(unit));
  HostLink* host = TRY(context_.host_link());
  sandbox_ = TRY(host->create_sandbox(options));
  return {};
}

void ContainerNetwork::keep_sandbox() {
  KeeperLink& keeper = context_.keeper;
  if (sandbox_.netns) keeper.put(id_ + "/netns", sandbox_.netns.get());
  if (sandbox_.dns_udp) keeper.put(id_ + "/dns_udp", sandbox_.dns_udp.get());
  if (sandbox_.dns_tcp) keeper.put(id_ + "/dns_tcp", sandbox_.dns_tcp.get());
}

void ContainerNetwork::keep_port(std::size_t port) {
  for (std::size_t i = 0; i < ports_[port].sockets.size(); ++i)
    context_.keeper.put(port_key(id_, port, i), ports_[port].sockets[i].fd.get());
}

struct ContainerNetwork::Acquisition {
  ContainerUnit unit;  // a copy: a newer one may come for the next start
  Sandbox made;
  PortReservation ports;
  enum class Stage : std::uint8_t { ports, sandbox, keeping } stage = Stage::ports;
  std::size_t kept = 0;
};

// Ports first: a port in use is what most often goes wrong, and costs nothing to find out.
Result<SteppedWork::Next> ContainerNetwork::acquire_step(Acquisition& acquisition) {
  using Stage = Acquisition::Stage;
  using Next = SteppedWork::Next;
  switch (acquisition.stage) {
    case Stage::ports:
      if (TRY(acquisition.ports.step()) == Next::step) return Next::step;
      ports_ = acquisition.ports.take();
      acquisition.stage = Stage::sandbox;
      return Next::step;
    case Stage::sandbox:
      if (acquisition.made.netns)
        sandbox_ = std::move(acquisition.made);
      else
        TRY(make_sandbox(acquisition.unit));
      keep_sandbox();
      acquisition.stage = Stage::keeping;
      return Next::step;
    case Stage::keeping:
      break;
  }
  if (acquisition.kept == ports_.size()) return Next::finished;
  keep_port(acquisition.kept++);
  return Next::step;
}

PortOwnerLookup ContainerNetwork::owner_lookup() const {
  return [this](pid_t holder, const PortRequest& request, std::uint16_t port) {
    const std::string protocol(to_string(request.protocol));
    auto ours = context_.port_owner ? context_.port_owner(protocol, port) : std::nullopt;
    return ours ? ours : foreign_port_owner(holder, protocol, port);
  };
}

void ContainerNetwork::acquire(const ContainerUnit& unit, Sandbox made, Done done) {
  id_ = unit.id;
  std::vector<PortRequest> requests;
  if (port_target_of(unit).any()) requests = port_requests_of(unit);
  auto acquisition = std::make_unique<Acquisition>(
      Acquisition{unit, std::move(made), PortReservation(std::move(requests), owner_lookup())});
  work_ = std::make_unique<SteppedWork>(
      context_.loop, [this, acquisition = std::move(acquisition)] { return acquire_step(*acquisition); },
      [this, done = std::move(done)](Result<> acquired) mutable {
        work_.reset();
        if (!acquired)
          if (auto undone = release(); !undone)
            acquired = fail(std::move(acquired.error()).also(std::move(undone.error())));
        done(std::move(acquired));
      });
}

Result<> ContainerNetwork::serve_names(const ContainerUnit& unit) {
  if (!sandbox_.dns_udp || !context_.dns) return {};
  DnsClient client = dns_client_of(unit);
  client.netns = sandbox_.netns.get();
  if (dns_ != 0)
    context_.dns->update(dns_, std::move(client));
  else
    dns_ = TRY(context_.dns->add(sandbox_.dns_udp.get(), sandbox_.dns_tcp.get(), std::move(client)));
  return {};
}

void ContainerNetwork::serve(const ContainerUnit& unit, Done done) {
  if (auto served = serve_names(unit); !served) return end_later(std::move(served), std::move(done));
  if (published_ != 0) return end_later({}, std::move(done));
  const PortTarget target = port_target_of(unit);
  if (to_recover_.empty()) return publish(target, std::move(done));
  recover_ports(target, std::move(done));
}

void ContainerNetwork::publish(const PortTarget& target, Done done) {
  // What could not be bound again is somebody else's now, and so is what the firewall knows of it.
  done = [this, done = std::move(done)](Result<> published) mutable {
    if (published) told_.clear();
    done(std::move(published));
  };
  if (ports_.empty()) return end_later({}, std::move(done));
  auto publisher = context_.publisher();
  if (!publisher) return end_later(fail(std::move(publisher.error())), std::move(done));
  published_ = (*publisher)
                   ->publish({.ports = ports_,
                              .target = target,
                              .keeper = &connections_,
                              .inherited = std::exchange(connections_.inherited, {})},
                             std::move(done));
}

void ContainerNetwork::end_later(Result<> result, Done done) {
  work_ = std::make_unique<SteppedWork>(
      context_.loop,
      [result = std::move(result)]() mutable -> Result<SteppedWork::Next> {
        TRY(std::move(result));
        return SteppedWork::Next::finished;
      },
      std::move(done));
}

void ContainerNetwork::adopt(const ContainerUnit& unit, KeeperLink::Inheritance& inheritance, const Record& record) {
  std::map<std::string, Fd>& kept = inheritance.descriptors;
  id_ = unit.id;
  told_ = record.told_ports;
  told_target_ = port_target_of(unit);
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
    port.request = request_of(unit.ports[i]);
    for (std::size_t j = 0;; ++j) {
      Fd socket = take(port_key(unit.id, i, j));
      if (!socket) break;
      const auto bound = bound_to(socket.get());
      if (!bound) break;
      port.host_port = bound->second;
      port.sockets.push_back(PortSocket{bound->first, std::move(socket)});
    }
    ports_.push_back(std::move(port));  // also without any: the place of a port is part of the names
  }
  adopt_connections(kept);
}

// ID/conn/PORT/SOCKET/NUMBER/ and then the part.
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

void ContainerNetwork::plan_recovery(const ContainerUnit& unit, const std::vector<BoundPort>& bound) {
  for (const PortUnit& port : unit.ports) {
    // Where it was, not where a range of the file may lead now.
    const auto was = std::ranges::find_if(bound, [&](const BoundPort& b) {
      const bool host =
          port.host_ip.empty() || consort::Address::parse(port.host_ip) == consort::Address::parse(b.host_ip);
      const bool in_range = port.host_port == 0 || (b.host_port >= port.host_port &&
                                                    b.host_port <= std::max(port.host_port, port.host_port_end));
      return host && in_range && b.container_port == port.container_port && b.protocol == port.protocol;
    });
    if (was == bound.end()) continue;
    recovered_requests_.push_back(request_of(port));
    PortRequest request = request_of(port);
    request.host_port = was->host_port;
    request.host_port_end = 0;
    to_recover_.push_back(std::move(request));
  }
}

// What could be bound again is published, whatever became of the others.
void ContainerNetwork::recover_ports(PortTarget target, Done done) {
  auto reservation = std::make_shared<PortReservation>(std::exchange(to_recover_, {}));
  work_ = std::make_unique<SteppedWork>(
      context_.loop, [reservation] { return reservation->step(); },
      [this, reservation, target, done = std::move(done)](Result<> reserved) mutable {
        work_.reset();
        ports_ = reservation->take();
        for (std::size_t i = 0; i < ports_.size(); ++i) {
          ports_[i].request = recovered_requests_[i];
          keep_port(i);
        }
        // After one that is somebody else's now the others were not tried: release() looks at each of them again.
        std::vector<BoundPort> untried = reserved ? std::vector<BoundPort>() : told_;
        publish(target, [this, untried = std::move(untried), reserved = std::move(reserved),
                         done = std::move(done)](Result<> published) mutable {
          if (!reserved) told_ = std::move(untried);
          done(reserved ? std::move(published) : std::move(reserved));
        });
      });
}

Result<> ContainerNetwork::recover(const ContainerUnit& unit, int process, const std::vector<BoundPort>& bound) {
  Result<> sandbox = recover_sandbox(unit, process);
  plan_recovery(unit, bound);
  keep_sandbox();
  return sandbox;
}

Result<> ContainerNetwork::release() {
  std::optional<Error> first;
  const auto collect = [&](Result<> result) {
    if (result) return;
    if (first)
      first = std::move(*first).also(std::move(result.error()));
    else
      first = std::move(result.error());
  };
  if (dns_ != 0 && context_.dns) context_.dns->remove(std::exchange(dns_, 0));
  work_.reset();
  change_.reset();
  if (const PortPublisher::Id id = std::exchange(published_, 0); id != 0) {
    auto publisher = context_.publisher();
    if (publisher) collect((*publisher)->unpublish(id));
    if (!told_.empty()) collect(take_back({}));
  } else if (!told_.empty()) {
    collect(take_back(std::exchange(ports_, {})));
  }
  ports_.clear();
  // The kernel takes the namespace and its cables away with the last descriptor; the keeper's are dropped by our
  // caller.
  sandbox_ = Sandbox{};
  joined_.reset();
  if (first) return fail(std::move(*first).wrap("release network of container", id_.substr(0, 12)));
  return {};
}

// Of ports that are held, so that nobody can get one of them meanwhile: by the keeper, or again now. Whatever somebody
// else has got since is theirs. All at once, and not in steps: this object may be about to end.
Result<> ContainerNetwork::take_back(std::vector<ReservedPort> ports) {
  const auto held = [&](const consort::Address& address, const BoundPort& port) {
    return std::ranges::any_of(ports, [&](const ReservedPort& ours) {
      return ours.host_port == port.host_port && to_string(ours.request.protocol) == port.protocol &&
             std::ranges::any_of(ours.sockets, [&](const PortSocket& socket) { return socket.address == address; });
    });
  };
  for (const BoundPort& port : std::exchange(told_, {})) {
    const auto address = consort::Address::parse(port.host_ip);
    if (!address || held(*address, port)) continue;
    const PortUnit as_it_was{port.host_ip, port.host_port, 0, port.container_port, port.protocol};
    auto again = reserve_again(*address, port.host_port, request_of(as_it_was));
    if (again) ports.push_back(std::move(*again));
  }
  PortPublisher* publisher = TRY(context_.publisher());
  return publisher->take_back(ports, told_target_);
}

std::vector<BoundPort> ContainerNetwork::bound_ports() const {
  std::vector<BoundPort> bound;
  for (const ReservedPort& port : ports_)
    for (const PortSocket& socket : port.sockets)
      bound.push_back(BoundPort{socket.address.to_string(), port.host_port, port.request.container_port,
                                std::string(to_string(port.request.protocol))});
  return bound;
}

std::vector<EndpointAddress> addresses_of(const ContainerUnit& unit) {
  std::vector<EndpointAddress> addresses;
  const auto text = [](const std::string& with_prefix) { return with_prefix.substr(0, with_prefix.find('/')); };
  for (const EndpointUnit& e : unit.endpoints) {
    const auto ipv4 = plain(e.ipv4);
    const std::string mac = !e.mac.empty() || !ipv4 ? e.mac : MacAddress::of(*ipv4).to_string();
    addresses.push_back(
        EndpointAddress{e.network_id, e.network_name, text(e.ipv4), text(e.ipv6), e.gateway4, e.gateway6, mac});
  }
  return addresses;
}

std::vector<NameRecord> name_records_of(const ContainerUnit& unit) {
  std::vector<NameRecord> records;
  for (const EndpointUnit& e : unit.endpoints)
    records.push_back(NameRecord{e.network_id, e.network_name, unit.name, e.dns_names, plain(e.ipv4), plain(e.ipv6)});
  return records;
}

DnsClient dns_client_of(const ContainerUnit& unit) {
  DnsClient client;
  client.external = false;
  for (const EndpointUnit& e : unit.endpoints) {
    client.network_ids.push_back(e.network_id);
    if (!e.internal) client.external = true;
  }
  // The target's short id is one of its names on every network.
  for (const auto& [alias, container] : unit.link_aliases) client.links[alias] = container.substr(0, 12);
  for (const std::string& server : unit.dns_servers)
    if (const auto address = consort::Address::parse(server)) client.upstreams.push_back(*address);
  return client;
}

Result<Fd> open_namespace_of(Context& context, const std::string& container_id, const std::string& name) {
  Fd process;  // its folder in /proc
  const auto take = [&](const ContainerState& state) {
    if (auto folder = open_process_folder(state.pid, state.pid_started)) process = std::move(*folder);
  };
  if (const Container* container = context.find ? context.find(container_id) : nullptr) {
    take(container->state());
  } else {
    const std::string projects = context.roots.run + "/projects";
    DIR* folder = ::opendir(projects.c_str());
    while (const dirent* entry = folder != nullptr ? ::readdir(folder) : nullptr) {
      const auto text = read_file(run_state_path(projects + "/" + entry->d_name, container_id), 32 << 20);
      if (!text) continue;
      const auto state = state_from_json(*text, container_id);
      if (state && state->pid != 0) take(*state);
    }
    if (folder != nullptr) ::closedir(folder);
  }
  if (!process)
    return fail(Error(Code::conflict, "cannot join " + (name == "net" ? "network" : name + " namespace") +
                                          " of a non running container")
                    .on(container_id));
  return open_at(process.get(), "ns/" + name, O_RDONLY);
}

}  // namespace consort::supervisor

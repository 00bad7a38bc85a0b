#include "supervisor/container/container_network.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/os/files/file.hpp"
#include "base/os/processes/process_directory.hpp"
#include "base/strings.hpp"
#include "supervisor/container/container.hpp"
#include "supervisor/container/foreign_port.hpp"
#include "supervisor/container/unit_parts.hpp"

namespace consort::supervisor {

Result<> ContainerNetwork::make_sandbox(const ContainerUnit& unit) {
  if (unit.network_mode == NetworkMode::host) return {};
  if (unit.network_mode == NetworkMode::container) {
    joined_ = TRY_WRAP(open_namespace_of(context_, unit.network_container, "net"), "join network of container",
                       unit.network_container.substr(0, 12));
    return {};
  }
  SandboxOptions options = TRY(sandbox_options_of(unit));
  Fd users;
  if (!unit.users_of.empty()) users = TRY(open_namespace_of(context_, unit.users_of, "user"));
  options.users_fd = users.get();
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
    context_.keeper.put(port_name(port, i), ports_[port].sockets[i].fd.get());
}

struct ContainerNetwork::Acquisition {
  ContainerUnit unit;  // a copy: the unit may be replaced for the next start
  Sandbox made;
  PortReservation ports;
  enum class Stage : std::uint8_t { ports, sandbox, keeping } stage = Stage::ports;
  std::size_t kept = 0;
};

// Ports first: a port in use is the most common failure, and costs nothing to detect.
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
    // The keeper holds a copy of a released port until it is told to drop it.
    return ours || holder == ::getppid() ? ours : foreign_port_owner(holder, protocol, port);
  };
}

void ContainerNetwork::acquire(const ContainerUnit& unit, Sandbox made, Done done) {
  id_ = unit.id;
  std::vector<PortRequest> requests;
  if (port_target_of(unit).any()) requests = port_requests_of(unit);
  auto acquisition = std::make_unique<Acquisition>(Acquisition{
      unit, std::move(made), PortReservation(std::move(requests), owner_lookup(), context_.host_sockets())});
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
  Result<> named = serve_names(unit);
  if (named) named = open_routed(openings_of(unit));
  if (!named || !published_.empty() || !holds_ports()) return end_later(std::move(named), std::move(done));
  auto publisher = context_.publisher();
  if (!publisher) return end_later(fail(std::move(publisher.error())), std::move(done));
  PortPublisher::Publication all;
  all.ports = ports_;
  all.target = port_target_of(unit);
  all.keeper = &connections_;
  all.inherited = std::exchange(connections_.inherited, {});
  published_.push_back((*publisher)->publish(std::move(all), std::move(done)));
}

// Closes ports that were open at other addresses. When the container has ended, its address is given to others, for
// whom the old ports must not be open: so this is also called without any port.
Result<> ContainerNetwork::open_routed(std::vector<Openings> wanted) {
  if (opened_.empty() && wanted.empty()) return {};
  PortPublisher* publisher = TRY(context_.publisher());
  for (Openings& openings : opened_) {
    const bool stays = std::ranges::any_of(wanted, [&](const Openings& other) {
      return other.bridge == openings.bridge && other.address == openings.address;
    });
    openings.ports.clear();
    if (!stays) TRY(publisher->open(openings));
  }
  opened_ = std::move(wanted);
  for (const Openings& openings : opened_) TRY(publisher->open(openings));
  return {};
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
  context_.loop.cancel(std::exchange(retry_, 0));
  for (const PortPublisher::Id id : std::exchange(published_, {}))
    if (auto publisher = context_.publisher()) collect((*publisher)->unpublish(id));
  stop_listening(ports_);
  collect(open_routed({}));
  if (!told_.empty()) collect(take_back(std::exchange(ports_, {})));
  ports_.clear();
  lost_.clear();
  // The kernel removes the namespace and its veth pairs with the last descriptor; the caller drops the keeper's copies.
  sandbox_ = Sandbox{};
  joined_.reset();
  if (first) return fail(std::move(*first).wrap("release network of container", id_.substr(0, 12)));
  return {};
}

bool ContainerNetwork::holds_ports() const {
  return std::ranges::any_of(ports_, [](const ReservedPort& port) { return !port.sockets.empty(); });
}

std::vector<BoundPort> ContainerNetwork::bound_ports() const {
  const std::set<std::pair<std::size_t, std::size_t>> lost = held_sockets();
  std::vector<BoundPort> bound;
  for (std::size_t i = 0; i < ports_.size(); ++i) {
    const std::vector<PortSocket>& sockets = ports_[i].sockets;
    for (std::size_t j = 0; j < sockets.size(); ++j) {
      // The user sees a socket on the host's network and one on the inside as one.
      const bool twin = std::ranges::any_of(sockets, [&](const PortSocket& other) {
        return !sockets[j].outside && other.outside && other.address == sockets[j].address;
      });
      if (!twin && !lost.contains({i, j})) bound.push_back(bound_port_of(ports_[i], sockets[j]));
    }
  }
  return bound;
}

std::vector<BoundPort> ContainerNetwork::shown_ports() const {
  std::vector<BoundPort> shown;
  for (const Openings& openings : opened_) {
    const std::string any = consort::Address::any(openings.address.family()).to_string();
    for (const Openings::Port& port : openings.ports)
      shown.push_back(BoundPort{any, 0, port.port, std::string(to_string(port.protocol))});
  }
  std::ranges::copy(bound_ports(), std::back_inserter(shown));
  return shown;
}

std::vector<EndpointAddress> addresses_of(const ContainerUnit& unit) {
  std::vector<EndpointAddress> addresses;
  const auto text = [](const std::string& with_prefix) { return with_prefix.substr(0, with_prefix.find('/')); };
  for (const EndpointUnit& e : unit.endpoints) {
    const auto ipv4 = address_in(e.ipv4);
    const std::string mac = !e.mac.empty() || !ipv4 ? e.mac : MacAddress::of(*ipv4).to_string();
    addresses.push_back(
        EndpointAddress{e.network_id, e.network_name, text(e.ipv4), text(e.ipv6), e.gateway4, e.gateway6, mac});
  }
  return addresses;
}

std::vector<NameRecord> name_records_of(const ContainerUnit& unit) {
  std::vector<NameRecord> records;
  for (const EndpointUnit& e : unit.endpoints)
    records.push_back(
        NameRecord{e.network_id, e.network_name, unit.name, e.dns_names, address_in(e.ipv4), address_in(e.ipv6)});
  return records;
}

DnsClient dns_client_of(const ContainerUnit& unit) {
  DnsClient client;
  client.external = false;
  for (const EndpointUnit& e : unit.endpoints) {
    client.network_ids.push_back(e.network_id);
    if (!e.internal) client.external = true;
  }
  constexpr std::size_t whole_id = 64, short_id = 12;
  // By the target's short id, which is one of its names on every network and never changes; or, for links within one
  // network, by the name that the user chose.
  for (const auto& [alias, container] : unit.link_aliases)
    client.links[alias] = container.size() == whole_id ? container.substr(0, short_id) : container;
  for (const std::string& server : unit.dns_servers)
    if (const auto address = consort::Address::parse(server)) client.upstreams.push_back(*address);
  return client;
}

Result<Fd> open_namespace_of(Context& context, const std::string& container_id, const std::string& name) {
  Fd process;  // its directory in /proc
  const auto take = [&](const ContainerState& state) {
    if (auto directory = open_process_directory(state.pid, state.pid_started)) process = std::move(*directory);
  };
  if (const Container* container = context.find ? context.find(container_id) : nullptr) {
    take(container->state());
  } else {
    const std::string projects = context.roots.run + "/projects";
    DIR* directory = ::opendir(projects.c_str());
    while (const dirent* entry = directory != nullptr ? ::readdir(directory) : nullptr) {
      const auto text = read_file(run_state_path(projects + "/" + entry->d_name, container_id), 32 << 20);
      if (!text) continue;
      const auto state = state_from_json(*text, container_id);
      if (state && state->pid != 0) take(*state);
    }
    if (directory != nullptr) ::closedir(directory);
  }
  if (!process)
    return fail(Error(Code::conflict, "cannot join " + (name == "net" ? "network" : name + " namespace") +
                                          " of a non running container")
                    .on(container_id));
  return open_at(process.get(), "ns/" + name, O_RDONLY);
}

}  // namespace consort::supervisor

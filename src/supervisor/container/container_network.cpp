#include "supervisor/container/container_network.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include <algorithm>

#include "base/os/file.hpp"
#include "base/os/process.hpp"
#include "supervisor/container/container.hpp"

namespace consort::supervisor {
namespace {

Result<Endpoint> endpoint_of(const EndpointUnit& unit) {
  Endpoint endpoint;
  endpoint.network_id = unit.network_id;
  endpoint.network_name = unit.network_name;
  endpoint.bridge = unit.bridge;
  if (!unit.ifname.empty()) endpoint.ifname = unit.ifname;
  endpoint.ipv4 = InterfaceAddress::parse(unit.ipv4);
  endpoint.gateway4 = consort::Address::parse(unit.gateway4);
  endpoint.ipv6 = InterfaceAddress::parse(unit.ipv6);
  endpoint.gateway6 = consort::Address::parse(unit.gateway6);
  endpoint.mac = MacAddress::parse(unit.mac);
  endpoint.default_route = unit.default_route;
  endpoint.internal = unit.internal;
  endpoint.mtu = static_cast<std::uint32_t>(unit.mtu);
  const auto bad = [&](const std::string& text) {
    return fail(Error(Code::invalid, "read endpoint").on(unit.network_name).why("not an address: " + text));
  };
  if (!unit.ipv4.empty() && !endpoint.ipv4) return bad(unit.ipv4);
  if (!unit.ipv6.empty() && !endpoint.ipv6) return bad(unit.ipv6);
  if (!unit.gateway4.empty() && !endpoint.gateway4) return bad(unit.gateway4);
  if (!unit.gateway6.empty() && !endpoint.gateway6) return bad(unit.gateway6);
  if (!unit.mac.empty() && !endpoint.mac) return bad(unit.mac);
  return endpoint;
}

std::optional<consort::Address> plain(const std::string& with_prefix) {
  const auto parsed = InterfaceAddress::parse(with_prefix);
  return parsed ? std::optional(parsed->address) : std::nullopt;
}

// Published ports lead to the network that gives the container its default route.
PortTarget target_of(const ContainerUnit& unit) {
  auto chosen = std::ranges::find_if(unit.endpoints, [](const EndpointUnit& e) { return e.default_route; });
  if (chosen == unit.endpoints.end()) chosen = unit.endpoints.begin();
  if (chosen == unit.endpoints.end()) return {};
  return PortTarget{plain(chosen->ipv4), plain(chosen->ipv6)};
}

PortRequest request_of(const PortUnit& port) {
  return PortRequest{port.host_ip, port.host_port, port.host_port_end, port.container_port,
                     parse_protocol(port.protocol).value_or(Protocol::tcp)};
}

bool clashes(const ReservedPort& other, const PortRequest& request) {
  const bool same_ip =
      other.request.host_ip.empty() || request.host_ip.empty() || other.request.host_ip == request.host_ip;
  const bool one_port = request.host_port != 0 && request.host_port_end <= request.host_port;
  return one_port && same_ip && other.host_port == request.host_port && other.request.protocol == request.protocol;
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

std::string port_key(const std::string& id, std::size_t port, std::size_t socket) {
  return id + "/port/" + std::to_string(port) + "/" + std::to_string(socket);
}

}  // namespace

Result<> ContainerNetwork::make_sandbox(const ContainerUnit& unit) {
  if (unit.network_mode == NetworkMode::host) return {};
  if (unit.network_mode == NetworkMode::container) {
    joined_ = TRY_WRAP(open_network_of(context_, unit.network_container), "join network of container",
                       unit.network_container.substr(0, 12));
    return {};
  }
  SandboxOptions options;
  options.container_id = unit.id;
  for (const EndpointUnit& endpoint : unit.endpoints) options.endpoints.push_back(TRY(endpoint_of(endpoint)));
  options.sysctls.assign(unit.sysctls.begin(), unit.sysctls.end());
  options.dns = unit.endpoints.empty() ? SandboxDns::none : SandboxDns::resolver;
  HostLink* host = TRY(context_.host_link());
  sandbox_ = TRY(host->create_sandbox(options));
  return {};
}

Result<> ContainerNetwork::reserve_ports(const ContainerUnit& unit) {
  const PortOwnerLookup owner = [this](pid_t, const PortRequest& request, std::uint16_t port) {
    return context_.port_owner ? context_.port_owner(std::string(to_string(request.protocol)), port) : std::nullopt;
  };
  for (const PortUnit& port : unit.ports) {
    const PortRequest request = request_of(port);
    // Our own socket would be found to hold it, under our name, which helps nobody.
    const auto taken = std::ranges::find_if(ports_, [&](const ReservedPort& other) { return clashes(other, request); });
    if (taken != ports_.end())
      return fail(Error(Code::conflict, "Bind for " + (request.host_ip.empty() ? "0.0.0.0" : request.host_ip) + ":" +
                                            std::to_string(request.host_port) + " failed")
                      .why("port is already allocated")
                      .hint("the container publishes it for its port " + std::to_string(taken->request.container_port) +
                            " as well: publish another one"));
    ports_.push_back(TRY(reserve_port(request, owner)));
  }
  return {};
}

void ContainerNetwork::keep(const ContainerUnit& unit) {
  KeeperLink& keeper = context_.keeper;
  if (sandbox_.netns) keeper.put(unit.id + "/netns", sandbox_.netns.get());
  if (sandbox_.dns_udp) keeper.put(unit.id + "/dns_udp", sandbox_.dns_udp.get());
  if (sandbox_.dns_tcp) keeper.put(unit.id + "/dns_tcp", sandbox_.dns_tcp.get());
  for (std::size_t i = 0; i < ports_.size(); ++i)
    for (std::size_t j = 0; j < ports_[i].sockets.size(); ++j)
      keeper.put(port_key(unit.id, i, j), ports_[i].sockets[j].fd.get());
}

Result<> ContainerNetwork::acquire(const ContainerUnit& unit) {
  id_ = unit.id;
  // Ports first: a port in use is what most often goes wrong, and costs nothing to find out.
  Result<> done = reserve_ports(unit);
  if (done) done = make_sandbox(unit);
  if (!done) {
    auto undone = release();
    if (!undone) return fail(std::move(done.error()).also(std::move(undone.error())));
    return done;
  }
  keep(unit);
  return {};
}

Result<> ContainerNetwork::serve(const ContainerUnit& unit) {
  if (sandbox_.dns_udp && context_.dns)
    dns_ = TRY(context_.dns->add(sandbox_.dns_udp.get(), sandbox_.dns_tcp.get(), dns_client_of(unit)));
  const PortTarget target = target_of(unit);
  for (const ReservedPort& port : ports_) {
    PortPublisher* publisher = TRY(context_.publisher());
    published_.push_back(TRY(publisher->publish(port, target)));
  }
  return {};
}

void ContainerNetwork::adopt(const ContainerUnit& unit, std::map<std::string, Fd>& kept,
                             std::vector<std::string> host_links) {
  id_ = unit.id;
  const auto take = [&](const std::string& name) {
    const auto found = kept.find(name);
    return found == kept.end() ? Fd() : std::move(found->second);
  };
  sandbox_.netns = take(unit.id + "/netns");
  sandbox_.dns_udp = take(unit.id + "/dns_udp");
  sandbox_.dns_tcp = take(unit.id + "/dns_tcp");
  sandbox_.host_links = std::move(host_links);
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
    if (!port.sockets.empty()) ports_.push_back(std::move(port));
  }
}

Result<> ContainerNetwork::recover_sandbox(const ContainerUnit& unit, pid_t pid) {
  if (unit.network_mode == NetworkMode::host || unit.network_mode == NetworkMode::container) return {};
  sandbox_.netns = TRY(open_file("/proc/" + std::to_string(pid) + "/ns/net", O_RDONLY));
  if (unit.endpoints.empty()) return {};
  HostLink* host = TRY(context_.host_link());
  return host->reopen_resolver(sandbox_);
}

Result<> ContainerNetwork::recover_ports(const ContainerUnit& unit, const std::vector<BoundPort>& bound) {
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
    PortRequest request = request_of(port);
    request.host_port = was->host_port;
    request.host_port_end = 0;
    ports_.push_back(TRY(reserve_port(request)));
    ports_.back().request = request_of(port);
  }
  return {};
}

Result<> ContainerNetwork::recover(const ContainerUnit& unit, pid_t pid, const std::vector<BoundPort>& bound) {
  Result<> sandbox = recover_sandbox(unit, pid);
  Result<> ports = recover_ports(unit, bound);
  keep(unit);
  if (sandbox) return ports;
  return ports ? std::move(sandbox) : fail(std::move(sandbox.error()).also(std::move(ports.error())));
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
  for (const PortPublisher::Id id : std::exchange(published_, {})) {
    auto publisher = context_.publisher();
    if (publisher) collect((*publisher)->unpublish(id));
  }
  ports_.clear();
  // The kernel takes the namespace and its cables away with the last descriptor; the keeper's are dropped by our
  // caller.
  sandbox_ = Sandbox{};
  joined_.reset();
  if (first) return fail(std::move(*first).wrap("release network of container", id_.substr(0, 12)));
  return {};
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

Result<Fd> open_network_of(Context& context, const std::string& container_id) {
  pid_t pid = 0;
  if (const Container* container = context.find ? context.find(container_id) : nullptr) {
    pid = container->state().pid;
  } else {
    const std::string projects = context.roots.run + "/projects";
    DIR* folder = ::opendir(projects.c_str());
    while (const dirent* entry = folder != nullptr ? ::readdir(folder) : nullptr) {
      const auto text = read_file(run_state_path(projects + "/" + entry->d_name, container_id), 1 << 20);
      if (!text) continue;
      const auto state = state_from_json(*text, container_id);
      if (!state || state->pid == 0) continue;
      const auto started = process_start_time(state->pid);
      if (started && *started == state->pid_started) pid = state->pid;
    }
    if (folder != nullptr) ::closedir(folder);
  }
  if (pid == 0) return fail(Error(Code::conflict, "cannot join network of a non running container").on(container_id));
  return open_file("/proc/" + std::to_string(pid) + "/ns/net", O_RDONLY);
}

}  // namespace consort::supervisor

#include <algorithm>

#include "base/go_bool.hpp"
#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "engine/checks/network_options.hpp"
#include "engine/checks/validate.hpp"
#include "engine/container/merge.hpp"
#include "engine/engine_impl.hpp"
#include "engine/records/leases.hpp"
#include "engine/start/log_ship.hpp"
#include "engine/start/oci.hpp"
#include "engine/start/oci_runtime.hpp"
#include "network/bridge.hpp"
#include "runtime/defaults.hpp"

namespace consort::engine {

namespace {

using supervisor::ContainerUnit;
using supervisor::EndpointUnit;
using supervisor::Milliseconds;

Milliseconds to_milliseconds(Nanoseconds duration) {
  return std::chrono::ceil<Milliseconds>(duration);
}

supervisor::RestartUnit restart_of(const RestartPolicy& policy) {
  supervisor::RestartUnit unit{.policy = supervisor::RestartPolicy::no, .max_retries = policy.max_retries};
  switch (policy.mode) {
    case RestartMode::no:
      break;
    case RestartMode::on_failure:
      unit.policy = supervisor::RestartPolicy::on_failure;
      break;
    case RestartMode::always:
      unit.policy = supervisor::RestartPolicy::always;
      break;
    case RestartMode::unless_stopped:
      unit.policy = supervisor::RestartPolicy::unless_stopped;
      break;
  }
  return unit;
}

std::optional<supervisor::HealthUnit> health_of(const ProcessConfig& process) {
  if (!process.health || !process.health->test) return std::nullopt;
  const HealthSpec& health = *process.health;
  supervisor::HealthUnit unit;
  unit.argv = health_argv(*health.test, process.shell);
  if (unit.argv.empty()) return std::nullopt;
  unit.interval = to_milliseconds(health.interval.value_or(unit.interval));
  unit.timeout = to_milliseconds(health.timeout.value_or(unit.timeout));
  unit.start_period = to_milliseconds(health.start_period.value_or(unit.start_period));
  unit.start_interval = to_milliseconds(health.start_interval.value_or(unit.start_interval));
  unit.retries = health.retries.value_or(unit.retries);
  return unit;
}

std::string with_prefix(const std::string& address, unsigned prefix) {
  return address.empty() ? "" : address + "/" + std::to_string(prefix);
}

Strings dns_names(const ContainerRecord& record, const EndpointSpec& endpoint) {
  Strings names{record.summary.name};
  const auto add = [&](const std::string& name) {
    if (!name.empty() && std::ranges::count(names, name) == 0) names.push_back(name);
  };
  for (const std::string& alias : endpoint.aliases) add(alias);
  add(record.summary.id.substr(0, 12));
  add(record.hostname);
  return names;
}

EndpointUnit endpoint_of(const ContainerRecord& record, const EndpointRecord& endpoint, const Network& network) {
  const Gateways gateways = gateways_of(network);
  EndpointUnit unit;
  unit.network_id = network.id;
  unit.network_name = network.spec.name;
  unit.bridge = network.bridge;
  unit.ifname = endpoint.spec.interface_name;
  const auto named = endpoint.spec.driver_opts.find("com.docker.network.endpoint.ifname");
  if (unit.ifname.empty() && named != endpoint.spec.driver_opts.end()) unit.ifname = named->second;
  unit.ipv4 = with_prefix(endpoint.ipv4, gateways.prefix4);
  unit.gateway4 = gateways.ipv4;
  unit.ipv6 = with_prefix(endpoint.ipv6, gateways.prefix6);
  unit.gateway6 = gateways.ipv6;
  unit.mac = endpoint.spec.mac_address;
  for (const std::string& address : endpoint.spec.link_local_ips)
    unit.link_local_ips.push_back(address + (address.contains(':') ? "/64" : "/16"));
  unit.internal = network.spec.internal;
  unit.isolated = parse_go_bool(network_option(network.spec, "bridge.enable_icc")) == false;
  const GatewayMode mode4 = gateway_mode(network.spec, Family::v4), mode6 = gateway_mode(network.spec, Family::v6);
  unit.routed4 = mode4 == GatewayMode::routed;
  unit.routed6 = mode6 == GatewayMode::routed;
  unit.direct4 = mode4 == GatewayMode::nat_unprotected;
  unit.direct6 = mode6 == GatewayMode::nat_unprotected;
  unit.masquerade = masquerades(network.spec);
  if (const auto face = face_of(network.spec)) {
    unit.parent = face->parent;
    unit.mode = face->mode;
    unit.driver = network.spec.driver;
  }
  unit.mtu = saturated<int>(parse_unsigned(network_option(network.spec, "driver.mtu")).value_or(0));
  // The default bridge has no names.
  if (network.spec.name != default_network) unit.dns_names = dns_names(record, endpoint.spec);
  return unit;
}

// The highest gw_priority among the networks with a route to the outside; ties are broken by name.
void choose_default_route(std::vector<EndpointUnit>& endpoints, const ContainerRecord& record) {
  EndpointUnit* best = nullptr;
  int best_priority = 0;
  for (std::size_t i = 0; i < endpoints.size(); ++i) {
    EndpointUnit& endpoint = endpoints[i];
    const int priority = record.endpoints[i].spec.gw_priority;
    if (endpoint.internal) continue;
    const bool better =
        !best || priority > best_priority || (priority == best_priority && endpoint.network_name < best->network_name);
    if (better) best = &endpoint, best_priority = priority;
  }
  if (best) best->default_route = true;
}

// The first of eth0, eth1, ... that none of them uses.
std::string free_interface(const std::vector<EndpointUnit>& endpoints, std::string prefix) {
  if (prefix.empty() || !is_interface_name(prefix + "00"))
    prefix = "eth";  // or of a network from before it was checked
  for (int i = 0;; ++i) {
    std::string name = prefix + std::to_string(i);
    if (std::ranges::count(endpoints, name, &EndpointUnit::ifname) == 0) return name;
  }
}

void fill_network(ContainerUnit& unit, const ContainerRecord& record) {
  const ContainerSpec& spec = record.spec;
  if (spec.network_mode == "host") unit.network_mode = supervisor::NetworkMode::host;
  if (spec.network_mode == "none") unit.network_mode = supervisor::NetworkMode::none;
  if (spec.network_mode.starts_with("container:")) {
    unit.network_mode = supervisor::NetworkMode::container;
    unit.network_container = spec.network_mode.substr(10);
  }
  if (unit.network_mode == supervisor::NetworkMode::sandbox || unit.network_mode == supervisor::NetworkMode::none)
    unit.sysctls = network_sysctls(spec);
  unit.dns_servers = spec.dns;
  unit.link_aliases = link_aliases_of(record);
}

std::string default_host_ip(const std::vector<Network>& networks) {
  for (const Network& network : networks) {
    std::string address = network_option(network.spec, "bridge.host_binding_ipv4");
    if (!address.empty()) return address;
  }
  return "";
}

Result<> fill_ports(ContainerUnit& unit, const ContainerRecord& record, const std::vector<Network>& networks) {
  for (const std::string& text : record.process.exposed) {
    const Result<PortRange> range = parse_exposed(text);
    if (!range || range->protocol != "tcp") continue;  // an image may say anything
    for (unsigned port = range->first; port <= range->last && unit.exposed_tcp_ports.size() < 64; ++port)
      unit.exposed_tcp_ports.push_back(static_cast<std::uint16_t>(port));
  }
  if (unit.network_mode != supervisor::NetworkMode::sandbox) return {};
  const std::string host_ip = default_host_ip(networks);
  for (const PortBinding& port : record.spec.ports) {
    unit.ports.push_back({.host_ip = port.host_ip.empty() ? host_ip : port.host_ip,
                          .host_port = port.host_port,
                          .host_port_end = port.host_port_end,
                          .container_port = port.container_port,
                          .protocol = port.protocol});
  }
  return {};
}

// Compose's label: "db:service_healthy:false,cache:service_started:true".
Strings services_before(const StringMap& labels) {
  Strings services;
  const auto label = labels.find("com.docker.compose.depends_on");
  if (label == labels.end()) return services;
  for (const std::string& dependency : split(label->second, ','))
    if (!dependency.empty()) services.push_back(dependency.substr(0, dependency.find(':')));
  return services;
}

}  // namespace

std::vector<std::pair<std::string, std::string>> link_aliases_of(const ContainerRecord& record) {
  std::vector<std::pair<std::string, std::string>> aliases;
  const auto add = [&](const Strings& links) {
    for (const std::string& link : links) {
      const std::size_t colon = link.find(':');
      aliases.emplace_back(link.substr(colon + 1), link.substr(0, colon));
    }
  };
  add(record.spec.links);
  for (const EndpointRecord& endpoint : record.endpoints) add(endpoint.spec.links);
  return aliases;
}

std::vector<EndpointUnit> Engine::Impl::make_endpoints(const ContainerRecord& record,
                                                       const std::vector<Network>& networks,
                                                       const StringMap& interfaces) const {
  std::vector<EndpointUnit> endpoints;
  for (std::size_t i = 0; i < record.endpoints.size(); ++i) {
    endpoints.push_back(endpoint_of(record, record.endpoints[i], networks[i]));
    const auto known = interfaces.find(networks[i].id);
    if (known != interfaces.end()) endpoints.back().ifname = known->second;
  }
  for (std::size_t i = 0; i < endpoints.size(); ++i)
    if (endpoints[i].ifname.empty())
      endpoints[i].ifname = free_interface(endpoints, network_option(networks[i].spec, "container_iface_prefix"));
  choose_default_route(endpoints, record);
  return endpoints;
}

Result<ContainerUnit> Engine::Impl::make_unit(const ContainerRecord& record, const std::vector<Network>& networks,
                                              const ContainerUsers& users) {
  const Container& c = record.summary;
  const ContainerSpec& spec = record.spec;
  ContainerUnit unit;
  unit.id = c.id;
  unit.name = c.name;
  unit.project = c.project;
  unit.service = c.service;
  unit.number = c.number;
  unit.oneoff = c.oneoff;
  unit.depends_on = services_before(c.labels);
  unit.bundle = container_directory(c.id);
  unit.overlay = supervisor::OverlayUnit{
      .lower = TRY(image_facts(c.image_id))->layers, .upper = unit.bundle + "/upper", .work = unit.bundle + "/work"};
  unit.runtime = TRY(runtime_program(spec.runtime));
  unit.own_users = users.own;
  unit.users_of = users.own ? users.of : "";
  unit.tty = spec.tty;
  unit.open_stdin = spec.open_stdin;
  unit.stdin_once = spec.open_stdin && !spec.tty && spec.oneoff;
  const LogLimits log = TRY(read_log_limits(spec.log));
  unit.log = {.path = log_of(c.id), .max_size = log.max_size, .max_file = log.max_file, .disabled = log.disabled};
  TRY(prepare_shipping(c, record.process, spec.log, unit.log.path));
  unit.restart = restart_of(spec.restart);
  unit.stop_signal = runtime::signal_number(record.process.stop_signal).value_or(15);
  if (spec.stop_timeout) unit.stop_timeout = to_milliseconds(*spec.stop_timeout);
  unit.health = health_of(record.process);
  unit.hostname = record.hostname;
  unit.auto_remove = spec.auto_remove;
  fill_network(unit, record);
  unit.endpoints = make_endpoints(record, networks);
  TRY(fill_ports(unit, record, networks));
  return unit;
}

}  // namespace consort::engine

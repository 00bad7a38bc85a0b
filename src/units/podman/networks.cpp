// Networks, names and published ports.
#include <algorithm>

#include "units/podman/parts.hpp"

namespace consort::units {

namespace {

// Appended to the network's name if not empty: ":alias=web,ip=10.0.0.5".
std::string attachment_text(const project::DesiredNetwork& network, const compose::Strings& names) {
  compose::Strings parts;
  for (const std::string& name : names) parts.push_back("alias=" + name);
  for (const std::string& name : network.how.aliases)
    if (std::ranges::find(names, name) == names.end()) parts.push_back("alias=" + name);
  const auto add = [&](const char* key, const std::string& value) {
    if (!value.empty()) parts.push_back(key + value);
  };
  add("ip=", network.how.ipv4_address);
  add("ip6=", network.how.ipv6_address);
  add("mac=", network.how.mac_address);
  add("interface_name=", network.how.interface_name);
  std::string text;
  for (const std::string& part : parts) text += (text.empty() ? ":" : ",") + part;
  return text;
}

void add_network(const Scope& scope, const project::DesiredService& service, const project::DesiredNetwork& network,
                 ContainerUnit& unit) {
  const compose::Network& known = scope.project.networks.at(network.key);
  const std::string how = attachment_text(network, {service.name});
  if (known.external) return unit.text("Network", "--network", network.name + how);
  if (scope.is_quadlet()) return unit.text("Network", "", scope.unit(network.key) + ".network" + how);
  unit.text("", "--network", network.name + how);
  unit.needs.push_back(scope.service_of(network.key, "network"));
}

std::string host_text(const std::string& address) {
  return address.find(':') != std::string::npos && !address.starts_with('[') ? "[" + address + "]" : address;
}

// The same options, as keys of a [Network] section and as words of `podman network create`.
std::vector<Option> options_of(const compose::Network& network) {
  std::vector<Option> options;
  const auto text = [&](const char* key, const char* flag, const std::string& value) {
    if (!value.empty()) options.push_back({key, flag, value, Option::Form::text});
  };
  text("Driver", "--driver", network.driver == "default" ? "" : network.driver);
  if (network.internal) options.push_back({"Internal", "--internal", {}, Option::Form::on});
  if (network.enable_ipv6.value_or(false)) options.push_back({"IPv6", "--ipv6", {}, Option::Form::on});
  if (network.ipam.driver != "default") text("IPAMDriver", "--ipam-driver", network.ipam.driver);
  for (const compose::IpamPool& pool : network.ipam.config) {
    text("Subnet", "--subnet", pool.subnet);
    text("Gateway", "--gateway", pool.gateway);
    text("IPRange", "--ip-range", pool.ip_range);
  }
  for (const auto& [name, value] : network.driver_opts)
    options.push_back({"Options", "--opt", name + "=" + value, Option::Form::text});
  for (const auto& [name, value] : network.labels)
    options.push_back({"Label", "--label", name + "=" + value, Option::Form::word});
  return options;
}

}  // namespace

void add_networks(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit) {
  const std::string& mode = service.container.network_mode;
  for (const project::DesiredNetwork& network : service.networks) add_network(scope, service, network, unit);
  if (mode.empty()) return;
  constexpr std::string_view of_service = "service:";
  if (!mode.starts_with(of_service)) return unit.text("Network", "--network", mode);
  const std::string other = mode.substr(of_service.size());
  unit.text("Network", "--network", "container:" + container_of(scope, other));
  unit.shares.push_back(scope.unit(other) + ".service");
}

void add_names(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit) {
  const compose::Service& own = service.container;
  if (!own.hostname.empty()) unit.text("HostName", "--hostname", own.hostname);
  for (const auto& [host, addresses] : own.extra_hosts)
    for (const std::string& address : addresses) unit.text("", "--add-host", host + ":" + address);
  for (const std::string& each : own.dns) unit.text("DNS", "--dns", each);
  for (const std::string& each : own.dns_opt) unit.text("DNSOption", "--dns-option", each);
  for (const std::string& each : own.dns_search) unit.text("DNSSearch", "--dns-search", each);
  for (const std::string& link : own.links)
    if (const std::size_t colon = link.find(':'); colon != std::string::npos)
      scope.note(
          service, {"links"},
          "the name \"" + link.substr(colon + 1) + "\" for \"" + link.substr(0, colon) + "\" is left out with Podman",
          "give it to that service: networks: {NETWORK: {aliases: [" + link.substr(colon + 1) + "]}}");
}

void add_ports(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit) {
  for (const project::DesiredPort& port : service.ports) {
    std::string text = port.host_ip.empty() ? "" : host_text(port.host_ip) + ":";
    if (port.host_first) {
      text += std::to_string(port.host_first) + ":";
    } else if (!text.empty()) {
      text += ":";
    }
    text += std::to_string(port.container);
    if (port.protocol != "tcp") text += "/" + port.protocol;
    unit.text("PublishPort", "--publish", text);
    if (port.host_last)
      scope.note(service, {"ports"},
                 "of the range " + std::to_string(port.host_first) + "-" + std::to_string(port.host_last) +
                     " Podman publishes the first port only",
                 "Podman does not choose a free one; each container needs its own port");
  }
  for (const std::string& port : service.container.expose) unit.text("ExposeHostPort", "--expose", port);
}

void add_network_unit(const Scope& scope, const std::string& key, const compose::Network& network) {
  const std::string comment = "Network \"" + key + "\" of the Compose project \"" + scope.project.name + "\"";
  const std::vector<Option> options = options_of(network);
  if (scope.is_quadlet()) {
    UnitText text(comment);
    text.section("Network");
    text.set("NetworkName", command_value(network.name));
    add_keys(options, text);
    return scope.add(scope.unit(key) + ".network", text.text());
  }
  std::vector<std::string> words{"/usr/bin/podman", "network", "create"};
  add_words(options, words);
  words.push_back(command_word(network.name));
  scope.add(scope.service_of(key, "network"), once_text(comment, {"network", network.name}, words));
}

}  // namespace consort::units

#include "serve/api/containers/container_networks.hpp"

#include <algorithm>

#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "engine/images.hpp"
#include "serve/api/call.hpp"
#include "serve/api/containers/container_spec.hpp"

namespace consort::serve {

namespace {

using engine::ContainerSpec;
using engine::EndpointSpec;

struct PortName {
  std::uint16_t number = 0;
  std::string protocol;
};

// "80/tcp", "80"
Result<PortName> parse_port(const std::string& text) {
  const std::size_t slash = text.find('/');
  const auto number = parse_unsigned(text.substr(0, slash));
  const auto fits = number ? fitting<std::uint16_t>(*number) : std::nullopt;
  if (!fits || *fits == 0)
    return fail(http_error(400, "invalid port specification: \"" + text.substr(0, slash) + "\""));
  return PortName{*fits, slash == std::string::npos ? "tcp" : to_lower(text.substr(slash + 1))};
}

Result<> set_host_port(engine::PortBinding& binding, const std::string& text) {
  if (text.empty()) return {};
  const std::size_t dash = text.find('-');
  const auto port = [&](std::string_view part) -> std::optional<std::uint16_t> {
    const auto number = parse_unsigned(part);
    return number ? fitting<std::uint16_t>(*number) : std::nullopt;
  };
  const auto first = port(std::string_view(text).substr(0, dash));
  const auto last = dash == std::string::npos ? first : port(std::string_view(text).substr(dash + 1));
  if (!first || !last || *last < *first) return fail(http_error(400, "invalid port specification: \"" + text + "\""));
  binding.host_port = *first;
  if (dash != std::string::npos) binding.host_port_end = *last;
  return {};
}

Result<> add_ports(ContainerSpec& spec, const Json& bindings) {
  for (const auto& [name, list] : bindings.items()) {
    const PortName port = TRY(parse_port(name));
    if (list.is_null() || (list.is_array() && list.empty())) {
      spec.ports.push_back({.container_port = port.number, .protocol = port.protocol});
      continue;
    }
    if (!list.is_array()) return fail(http_error(400, "invalid port specification: \"" + name + "\""));
    for (const Json& each : list) {
      engine::PortBinding binding{.container_port = port.number, .protocol = port.protocol};
      binding.host_ip = get_string(each, "HostIp");
      TRY(set_host_port(binding, get_string(each, "HostPort")));
      spec.ports.push_back(std::move(binding));
    }
  }
  return {};
}

std::string network_name(const std::string& name) {
  return name.empty() || name == "default" ? "bridge" : name;
}

bool is_mode(const std::string& name) {
  return name == "host" || name == "none" || name.starts_with("container:");
}

}  // namespace

EndpointSpec endpoint_spec(const std::string& network, const Json& settings) {
  EndpointSpec endpoint{.network = network};
  endpoint.aliases = get_strings(settings, "Aliases");
  endpoint.mac_address = get_string(settings, "MacAddress");
  endpoint.links = get_strings(settings, "Links");
  endpoint.gw_priority = saturated<int>(get_int(settings, "GwPriority"));
  if (const Json* ipam = find_key(settings, "IPAMConfig")) {
    endpoint.ipv4 = get_string(*ipam, "IPv4Address");
    endpoint.ipv6 = get_string(*ipam, "IPv6Address");
    endpoint.link_local_ips = get_strings(*ipam, "LinkLocalIPs");
  }
  if (const Json* options = find_key(settings, "DriverOpts"); options && options->is_object())
    for (const auto& [key, value] : options->items())
      if (value.is_string()) endpoint.driver_opts[key] = value.get<std::string>();
  return endpoint;
}

// The network given as the mode comes first, as Docker connects them.
Result<> add_networks(ContainerSpec& spec, const Json& host, const Json& endpoints) {
  const std::string mode = network_name(get_string(host, "NetworkMode"));
  if (is_mode(mode)) {
    spec.network_mode = mode;
  } else {
    for (const auto& [name, settings] : endpoints.items())
      spec.networks.push_back(endpoint_spec(network_name(name), settings));
    const bool has_mode = std::ranges::count(spec.networks, mode, &EndpointSpec::network) > 0;
    if (spec.networks.empty() || (!has_mode && mode != "bridge")) spec.networks.push_back({.network = mode});
    if (spec.networks.size() > 1)
      for (EndpointSpec& endpoint : spec.networks) endpoint.priority = endpoint.network == mode ? 1 : 0;
    if (spec.networks.size() == 1 && spec.networks.front().network == "bridge") {
      // Docker has no names on its default network.
      spec.networks.front().aliases.clear();
    }
  }
  if (const Json* bindings = find_key(host, "PortBindings"); bindings && bindings->is_object())
    TRY(add_ports(spec, *bindings));
  return {};
}

Result<> publish_exposed(ContainerSpec& spec, const image::ImageConfig& image) {
  engine::Strings exposed = spec.expose;
  exposed.insert(exposed.end(), image.exposed_ports.begin(), image.exposed_ports.end());
  for (const std::string& text : exposed) {
    const auto port = parse_port(text);
    if (!port) continue;  // a range: Docker publishes none of those either
    const bool bound = std::ranges::any_of(spec.ports, [&](const engine::PortBinding& binding) {
      return binding.container_port == port->number && binding.protocol == port->protocol;
    });
    if (!bound) spec.ports.push_back({.container_port = port->number, .protocol = port->protocol});
  }
  return {};
}

}  // namespace consort::serve

#include "serve/api/containers/container_shape.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "engine/state_text.hpp"
#include "serve/api/shapes.hpp"

namespace consort::serve {

namespace {

std::string_view type_name(engine::MountType type) {
  switch (type) {
    case engine::MountType::bind:
      return "bind";
    case engine::MountType::volume:
      return "volume";
    case engine::MountType::tmpfs:
      return "tmpfs";
    case engine::MountType::image:
      return "image";
  }
  return "bind";
}

Json endpoint_shape(const engine::Container& container, const engine::Endpoint& endpoint, const std::string& short_id) {
  const bool running = !endpoint.ipv4.empty() || !endpoint.ipv6.empty();
  engine::Strings names{container.name};
  for (const std::string& alias : endpoint.aliases)
    if (std::ranges::count(names, alias) == 0) names.push_back(alias);
  if (std::ranges::count(names, short_id) == 0) names.push_back(short_id);
  const engine::EndpointSpec& wanted = endpoint.wanted;
  Json ipam = nullptr;
  if (!wanted.ipv4.empty()) ipam["IPv4Address"] = wanted.ipv4;
  if (!wanted.ipv6.empty()) ipam["IPv6Address"] = wanted.ipv6;
  if (!wanted.link_local_ips.empty()) ipam["LinkLocalIPs"] = wanted.link_local_ips;
  return {{"IPAMConfig", std::move(ipam)},
          {"Links", or_null(wanted.links)},
          {"Aliases", or_null(endpoint.aliases)},
          {"MacAddress", endpoint.mac_address},
          {"DriverOpts", wanted.driver_opts.empty() ? Json(nullptr) : map_of(wanted.driver_opts)},
          {"GwPriority", wanted.gw_priority},
          {"NetworkID", endpoint.network_id},
          {"EndpointID", running ? endpoint_id(container.id, endpoint.network_id) : ""},
          {"Gateway", endpoint.gateway4},
          {"IPAddress", endpoint.ipv4},
          {"IPPrefixLen", endpoint.prefix4},
          {"IPv6Gateway", endpoint.gateway6},
          {"GlobalIPv6Address", endpoint.ipv6},
          {"GlobalIPv6PrefixLen", endpoint.prefix6},
          {"DNSNames", endpoint.network == "bridge" ? Json(nullptr) : Json(names)}};
}

}  // namespace

std::string network_mode(const engine::Container& container) {
  if (!container.network_mode.empty()) return container.network_mode;
  return container.networks.empty() ? "bridge" : container.networks.front().network;
}

Json endpoints(const engine::Container& container, Json settings) {
  Json networks = Json::object();
  const std::string short_id = container.id.substr(0, 12);
  for (const engine::Endpoint& endpoint : container.networks) {
    Json shape = endpoint_shape(container, endpoint, short_id);
    if (const Json* own = find_key(settings, endpoint.network); own && own->is_object())
      for (const auto& [key, value] : own->items()) shape[key] = value;
    networks[endpoint.network] = std::move(shape);
  }
  if (const std::string mode = network_mode(container); mode == "host" || mode == "none") {
    const engine::Endpoint none{.network = mode, .network_id = builtin_network_id(mode)};
    networks[mode] = endpoint_shape(container, none, short_id);
    networks[mode]["DNSNames"] = nullptr;
  }
  return networks;
}

Json port_rows(const engine::Container& container) {
  Json rows = Json::array();
  for (const engine::BoundPort& port : container.state.ports) {
    Json row{{"IP", port.host_ip}, {"PrivatePort", port.container_port}, {"Type", port.protocol}};
    if (port.host_port != 0) row["PublicPort"] = port.host_port;
    rows.push_back(std::move(row));
  }
  for (const std::string& exposed : engine::shown_exposed(container)) {
    const std::size_t slash = exposed.find('/');
    const auto number = parse_unsigned(std::string_view(exposed).substr(0, slash));
    const std::string protocol = slash == std::string::npos ? "tcp" : exposed.substr(slash + 1);
    if (!number) continue;  // a range
    const bool published = std::ranges::any_of(container.state.ports, [&](const engine::BoundPort& port) {
      return port.container_port == *number && port.protocol == protocol;
    });
    if (!published) rows.push_back({{"PrivatePort", *number}, {"Type", protocol}});
  }
  return rows;
}

Json mount_rows(const engine::Container& container) {
  Json rows = Json::array();
  for (const engine::MountPoint& mount : container.mounts) {
    Json row{{"Type", type_name(mount.type)}};
    if (mount.type == engine::MountType::volume) row["Name"] = mount.name;
    row["Source"] = mount.type == engine::MountType::tmpfs ? "" : mount.source;
    row["Destination"] = mount.target;
    if (mount.type == engine::MountType::volume) row["Driver"] = "local";
    row["Mode"] = mount.type == engine::MountType::volume ? "z" : "";
    row["RW"] = !mount.read_only;
    const bool binds = mount.type == engine::MountType::bind;
    row["Propagation"] = binds && mount.propagation.empty() ? "rprivate" : mount.propagation;
    rows.push_back(std::move(row));
  }
  return rows;
}

Json listed_container(const engine::Container& container, SystemTime now) {
  return {{"Id", container.id},
          {"Names", {"/" + container.name}},
          {"Image", container.image},
          {"ImageID", container.image_id},
          {"Command", engine::command_line(container.command)},
          {"Created", unix_seconds(container.created_at)},
          {"Ports", port_rows(container)},
          {"Labels", map_of(container.labels)},
          {"State", to_string(container.state.status)},
          {"Status", engine::status_text(container.state, now)},
          {"HostConfig", {{"NetworkMode", network_mode(container)}}},
          {"NetworkSettings", {{"Networks", endpoints(container, {})}}},
          {"Mounts", mount_rows(container)}};
}

}  // namespace consort::serve

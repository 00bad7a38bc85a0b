// Networks, and connecting containers to them and disconnecting them.
#include <algorithm>
#include <set>

#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "engine/engine.hpp"
#include "engine/in_use.hpp"
#include "engine/prune.hpp"
#include "serve/api/containers/container_networks.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/containers/known_keys.hpp"
#include "serve/api/filters.hpp"
#include "serve/api/limits.hpp"
#include "serve/api/moments.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"
#include "serve/api/shapes.hpp"
#include "serve/api/value_kinds.hpp"

namespace consort::serve {

namespace {

using engine::is_built_in;
using engine::Network;
using engine::networks_in_use;
using engine::NetworkSpec;

Json pool_shape(const engine::AddressPool& pool) {
  Json shape{{"Subnet", pool.subnet}};
  if (!pool.ip_range.empty()) shape["IPRange"] = pool.ip_range;
  if (!pool.gateway.empty()) shape["Gateway"] = pool.gateway;
  if (!pool.aux_addresses.empty()) shape["AuxiliaryAddresses"] = map_of(pool.aux_addresses);
  return shape;
}

Json pools_shape(const Network& network) {
  if (network.spec.pools.empty()) return nullptr;
  Json pools = Json::array();
  for (const engine::AddressPool& pool : network.spec.pools) pools.push_back(pool_shape(pool));
  return pools;
}

Json network_shape(const Network& network, Json containers) {
  const NetworkSpec& spec = network.spec;
  const Json options = is_built_in(network) ? Json(nullptr) : map_of(spec.ipam_options);
  return {{"Name", spec.name},
          {"Id", network.id},
          {"Created", go_time(network.created_at)},
          {"Scope", "local"},
          {"Driver", spec.driver},
          {"EnableIPv4", spec.enable_ipv4},
          {"EnableIPv6", spec.enable_ipv6},
          {"IPAM", {{"Driver", "default"}, {"Options", options}, {"Config", pools_shape(network)}}},
          {"Internal", spec.internal},
          {"Attachable", spec.attachable},
          {"Ingress", false},
          {"ConfigFrom", {{"Network", ""}}},
          {"ConfigOnly", false},
          {"Containers", std::move(containers)},
          {"Options", map_of(spec.driver_opts)},
          {"Labels", map_of(spec.labels)}};
}

std::string with_prefix(const std::string& address, int prefix) {
  return address.empty() ? "" : address + "/" + std::to_string(prefix);
}

// Running containers, by network.
using Residents = std::map<std::string, Json>;

Result<Residents> residents(Call& call) {
  Residents found;
  for (const engine::Container& container : TRY(TRY(call.engine())->list())) {
    if (!container.state.running() || !call.service().shows(container)) continue;
    for (const engine::Endpoint& endpoint : container.networks) {
      if (endpoint.ipv4.empty() && endpoint.ipv6.empty()) continue;
      Json& all = found[endpoint.network_id];
      if (all.is_null()) all = Json::object();
      all[container.id] = {{"Name", container.name},
                           {"EndpointID", endpoint_id(container.id, endpoint.network_id)},
                           {"MacAddress", endpoint.mac_address},
                           {"IPv4Address", with_prefix(endpoint.ipv4, endpoint.prefix4)},
                           {"IPv6Address", with_prefix(endpoint.ipv6, endpoint.prefix6)}};
    }
  }
  return found;
}

Result<std::vector<Network>> all_networks(Call& call) {
  engine::Engine& engine = *TRY(call.engine());
  std::vector<Network> networks{TRY(engine.inspect_network("bridge"))};  // made, if it is not there yet
  for (Network& network : TRY(engine.list_networks()))
    if (network.id != networks.front().id) networks.push_back(std::move(network));
  for (const char* name : {"host", "none"}) networks.push_back(TRY(engine.inspect_network(name)));
  std::erase_if(networks, [&](const Network& network) { return !shows_network(call, network); });
  return networks;
}

Result<std::optional<bool>> dangling_of(const Filters& filters) {
  if (filters.is_empty_list("dangling")) return std::nullopt;
  auto dangling = filters.boolean("dangling");
  if (dangling) return dangling;
  return fail(
      http_error(400, "invalid value for filter 'dangling', must be \"true\" (or \"1\"), or \"false\" (or \"0\")"));
}

Result<> list_networks(Call& call) {
  constexpr std::string_view known[] = {"dangling", "driver", "id", "label", "name", "scope", "type"};
  const Filters filters = TRY(Filters::of(call, known));
  for (const std::string& type : filters.values("type"))
    if (type != "builtin" && type != "custom") return fail(http_error(500, "invalid filter: 'type'='" + type + "'"));
  const std::optional<bool> dangling = TRY(dangling_of(filters));
  std::set<std::string> used;
  if (dangling) used = TRY(networks_in_use(*TRY(call.engine())));
  Json shapes = Json::array();
  for (const Network& network : TRY(all_networks(call))) {
    const bool fits = !filters.is_empty_list("type") && filters.pattern("name", network.spec.name) &&
                      filters.any("id", [&](const std::string& id) { return network.id.starts_with(id); }) &&
                      filters.exact("driver", network.spec.driver) && filters.exact("scope", "local") &&
                      filters.exact("type", is_built_in(network) ? "builtin" : "custom") &&
                      filters.labels(network.spec.labels);
    const bool hangs = !is_built_in(network) && !used.contains(network.id);
    if (fits && (!dangling || *dangling == hangs)) shapes.push_back(network_shape(network, Json::object()));
  }
  // Old clients have no other way to see the containers on them.
  if (call.version() < 28) {
    Residents known_ones = TRY(residents(call));
    for (Json& shape : shapes)
      if (auto found = known_ones.find(get_string(shape, "Id")); found != known_ones.end())
        shape["Containers"] = std::move(found->second);
  }
  return call.json(200, shapes);
}

Result<Network> find_network(Call& call, const std::string& name) {
  Network network = TRY(TRY(call.engine())->inspect_network(name));
  if (!shows_network(call, network)) return fail(http_error(404, "network " + name + " not found"));
  return network;
}

Result<> inspect_network(Call& call) {
  const std::string& name = call.variable("name");
  const Network network = TRY(find_network(call, name));
  if (call.has("scope") && call.query("scope") != "local")
    return fail(http_error(404, "network " + name + " not found"));
  Residents all = TRY(residents(call));
  Json containers = Json::object();
  if (auto found = all.find(network.id); found != all.end()) containers = std::move(found->second);
  return call.json(200, network_shape(network, std::move(containers)));
}

engine::StringMap strings_in(const Json& object, const char* key) {
  engine::StringMap map;
  const Json* found = find_key(object, key);
  if (found == nullptr || !found->is_object()) return map;
  for (const auto& [name, value] : found->items())
    if (value.is_string()) map[name] = value.get<std::string>();
  return map;
}

Result<> add_pools(NetworkSpec& spec, const Json& ipam) {
  spec.ipam_driver = get_string(ipam, "Driver");
  spec.ipam_options = strings_in(ipam, "Options");
  const Json* pools = find_key(ipam, "Config");
  if (pools == nullptr || !pools->is_array()) return {};
  for (const Json& each : *pools) {
    engine::AddressPool pool{.subnet = get_string(each, "Subnet"),
                             .ip_range = get_string(each, "IPRange"),
                             .gateway = get_string(each, "Gateway"),
                             .aux_addresses = strings_in(each, "AuxiliaryAddresses")};
    if (pool.subnet.empty() && !(pool.ip_range.empty() && pool.gateway.empty() && pool.aux_addresses.empty()))
      return fail(http_error(400, "invalid network config:\ninvalid subnet : invalid CIDR address"));
    if (!pool.subnet.empty()) spec.pools.push_back(std::move(pool));
  }
  return {};
}

Result<NetworkSpec> spec_of(Call& call, const Json& body) {
  NetworkSpec spec;
  spec.name = get_string(body, "Name");
  if (trim(spec.name).empty()) return fail(http_error(400, "invalid name: name is empty"));
  if (get_string(body, "Scope") == "swarm")
    return fail(http_error(403, "cannot create a swarm scoped network when swarm is not active"));
  for (const char* name : {"bridge", "host", "none", "default"})
    if (spec.name == name)
      return fail(http_error(403, "operation is not permitted on predefined " + spec.name + " network "));
  spec.driver = get_string(body, "Driver");
  if (spec.driver == "host" || spec.driver == "null")
    return fail(http_error(403, "only one instance of \"" + spec.driver + "\" network is allowed"));
  if (get_bool(body, "ConfigOnly"))
    return fail(http_error(501, "network " + spec.name + ": networks that are only a configuration are not supported"));
  if (const Json* from = find_key(body, "ConfigFrom"); from && !get_string(*from, "Network").empty())
    return fail(http_error(404, "configuration network \"" + get_string(*from, "Network") + "\" does not exist"));
  spec.driver_opts = strings_in(body, "Options");
  spec.labels = strings_in(body, "Labels");
  spec.internal = get_bool(body, "Internal");
  spec.attachable = get_bool(body, "Attachable");
  spec.enable_ipv6 = get_bool(body, "EnableIPv6");
  const Json* ipv4 = find_key(body, "EnableIPv4");
  spec.enable_ipv4 = ipv4 == nullptr || !ipv4->is_boolean() || ipv4->get<bool>();
  const auto project = spec.labels.find("com.docker.compose.project");
  if (project != spec.labels.end()) spec.project = project->second;
  if (const Json* ipam = find_key(body, "IPAM"); ipam && ipam->is_object()) TRY(add_pools(spec, *ipam));
  TRY(keep_to_project(call, spec));
  return spec;
}

Result<> create_network(Call& call) {
  using enum ValueKind;
  static constexpr KnownKey keys[] = {{"Attachable", truth},     {"CheckDuplicate", truth},
                                      {"ConfigFrom", object},    {"ConfigOnly", truth},
                                      {"Driver", text},          {"EnableIPv4", truth},
                                      {"EnableIPv6", truth},     {"IPAM", object},
                                      {"Ingress", truth},        {"Internal", truth},
                                      {"Labels", map_of_texts},  {"Name", text},
                                      {"Options", map_of_texts}, {"Scope", text}};
  static constexpr KnownKey ipam_keys[] = {{"Config", objects}, {"Driver", text}, {"Options", map_of_texts}};
  const Json body = TRY(call.body());
  TRY(check_kinds(keys, body));
  if (const Json* ipam = find_key(body, "IPAM")) TRY(check_kinds(ipam_keys, *ipam, "IPAM"));
  const NetworkSpec spec = TRY(spec_of(call, body));
  engine::Engine& engine = *TRY(call.engine());
  const auto made = engine.create_network(spec);
  // To Docker a taken name is a conflict, and taken addresses are forbidden.
  if (!made && made.error().code() == Code::conflict && !engine.inspect_network(spec.name))
    return fail(http_error(403, made.error().message()));
  if (!made && made.error().code() == Code::invalid && !spec.pools.empty())
    return fail(http_error(400, "invalid network config:\n" + made.error().message()));
  if (!made) return fail(made.error());
  return call.json(201, {{"Id", made->id}, {"Warning", ""}});
}

Result<> remove_network(Call& call) {
  const Network network = TRY(find_network(call, call.variable("name")));
  Result<> removed = TRY(call.engine())->remove_network(network.spec.name);
  if (!removed && removed.error().code() == Code::conflict) return fail(http_error(403, removed.error().message()));
  TRY(std::move(removed));
  return call.empty(204);
}

// The container named in the body; problems with the network are reported after that, as in Docker.
Result<engine::ContainerDetails> container_of(Call& call, const Json& body) {
  const std::string name = get_string(body, "Container");
  if (name.empty()) return fail(http_error(400, "invalid name or ID supplied: \"\""));
  return find_container(call, name);
}

constexpr KnownKey connect_keys[] = {
    {"Container", ValueKind::text}, {"EndpointConfig", ValueKind::object}, {"Force", ValueKind::truth}};

Result<> connect(Call& call) {
  const Json body = TRY(call.body());
  TRY(check_kinds(connect_keys, body));
  const Json* settings = find_key(body, "EndpointConfig");
  if (settings) TRY(check_endpoint_kinds(*settings, "EndpointConfig"));
  const engine::ContainerDetails container = TRY(container_of(call, body));
  const Network network = TRY(find_network(call, call.variable("name")));
  TRY(check_is_of_project(call, network));
  const engine::EndpointSpec endpoint =
      endpoint_spec(network.spec.name, settings && settings->is_object() ? *settings : Json::object());
  TRY(TRY(call.engine())->connect_network(container.id, endpoint));
  return call.empty(200);
}

Result<> disconnect(Call& call) {
  const Json body = TRY(call.body());
  TRY(check_kinds(connect_keys, body));
  const engine::ContainerDetails container = TRY(container_of(call, body));
  const auto force = get_bool(body, "Force") ? engine::Force::yes : engine::Force::no;
  Result<> left = TRY(call.engine())->disconnect_network(container.id, call.variable("name"), force);
  // A missing network is a 404, a container that is not on it is not.
  if (!left && left.error().code() == Code::not_found && find_network(call, call.variable("name")))
    return fail(http_error(500, left.error().message()));
  TRY(std::move(left));
  return call.empty(200);
}

Result<> prune_networks(Call& call) {
  constexpr std::string_view known[] = {"label", "label!", "until"};
  const Filters filters = TRY(Filters::of(call, known));
  const std::optional<SystemTime> older = TRY(until_of(filters));
  engine::Engine& engine = *TRY(call.engine());
  const auto pruned = TRY(engine::prune_networks(engine, engine::PruneMode::act, [&](const Network& network) {
    return shows_network(call, network) && filters.labels(network.spec.labels) &&
           !(older && network.created_at >= *older);
  }));
  Json deleted = nullptr;
  for (const auto& item : pruned.items) deleted.push_back(item.name);
  return call.json(200, {{"NetworksDeleted", std::move(deleted)}});
}

constexpr Route table[] = {
    {"GET", "/networks", list_networks, Access::look, Reach::project},
    {"GET", "/networks/", list_networks, Access::look, Reach::project},
    {"POST", "/networks/create", create_network, Access::change, Reach::project},
    {"POST", "/networks/prune", prune_networks, Access::change, Reach::project},
    {"GET", "/networks/{name}", inspect_network, Access::look, Reach::project},
    {"DELETE", "/networks/{name}", remove_network, Access::change, Reach::project},
    {"POST", "/networks/{name}/connect", connect, Access::change, Reach::project},
    {"POST", "/networks/{name}/disconnect", disconnect, Access::change, Reach::project},
};

}  // namespace

std::span<const Route> network_routes() {
  return table;
}

bool shows_network(Call& call, const Network& network) {
  const std::string& project = call.service().options().project;
  return project.empty() || network.spec.project == project || is_built_in(network);
}

}  // namespace consort::serve

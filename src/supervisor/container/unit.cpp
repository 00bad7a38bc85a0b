#include "supervisor/unit.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/os/files/file.hpp"

namespace consort::supervisor {
namespace {

constexpr std::size_t unit_bytes_limit = std::size_t{32} << 20;  // all ports of a machine take some 10 MiB

constexpr std::array<std::pair<RestartPolicy, std::string_view>, 4> restart_policies{{
    {RestartPolicy::no, "no"},
    {RestartPolicy::on_failure, "on-failure"},
    {RestartPolicy::always, "always"},
    {RestartPolicy::unless_stopped, "unless-stopped"},
}};
constexpr std::array<std::pair<NetworkMode, std::string_view>, 4> network_modes{{
    {NetworkMode::sandbox, "sandbox"},
    {NetworkMode::host, "host"},
    {NetworkMode::none, "none"},
    {NetworkMode::container, "container"},
}};

Json health_to_json(const HealthUnit& health) {
  return Json{{"argv", health.argv},
              {"interval_ms", health.interval.count()},
              {"timeout_ms", health.timeout.count()},
              {"start_period_ms", health.start_period.count()},
              {"start_interval_ms", health.start_interval.count()},
              {"retries", health.retries},
              {"eager", health.eager}};
}

Json endpoint_to_json(const EndpointUnit& endpoint) {
  return Json{{"network_id", endpoint.network_id},
              {"network_name", endpoint.network_name},
              // Supervisors from before macvlan and ipvlan would take an empty bridge for a veth pair to the host; they
              // refuse an impossible name.
              {"bridge", endpoint.parent.empty() ? endpoint.bridge : "is a " + endpoint.driver},
              {"parent", endpoint.parent},
              {"driver", endpoint.driver},
              {"mode", endpoint.mode},
              {"ifname", endpoint.ifname},
              {"ipv4", endpoint.ipv4},
              {"gateway4", endpoint.gateway4},
              {"ipv6", endpoint.ipv6},
              {"gateway6", endpoint.gateway6},
              {"mac", endpoint.mac},
              {"link_local_ips", endpoint.link_local_ips},
              {"default_route", endpoint.default_route},
              {"internal", endpoint.internal},
              {"routed4", endpoint.routed4},
              {"routed6", endpoint.routed6},
              {"direct4", endpoint.direct4},
              {"direct6", endpoint.direct6},
              {"masquerade", endpoint.masquerade},
              {"isolated", endpoint.isolated},
              {"mtu", endpoint.mtu},
              {"dns_names", endpoint.dns_names}};
}

Json port_to_json(const PortUnit& port) {
  return Json{{"host_ip", port.host_ip},
              {"host_port", port.host_port},
              {"host_port_end", port.host_port_end},
              {"container_port", port.container_port},
              {"protocol", port.protocol}};
}

// Records the first problem, so that the readers below need only one line per field.
class Fields {
 public:
  Fields(const Json& object, std::string prefix, std::string* bad)
      : object_(object), prefix_(std::move(prefix)), bad_(bad) {}

  void read(std::string_view key, std::string& into) const {
    if (const Json* value = find(key)) value->is_string() ? void(into = value->get<std::string>()) : complain(key);
  }
  void read(std::string_view key, bool& into) const {
    if (const Json* value = find(key)) value->is_boolean() ? void(into = value->get<bool>()) : complain(key);
  }
  void read(std::string_view key, std::vector<std::string>& into) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_array() || !std::ranges::all_of(*value, [](const Json& item) { return item.is_string(); }))
      return complain(key);
    into = get_strings(object_, key);
  }
  template <typename Number>
  void number(std::string_view key, Number& into, std::int64_t least, std::int64_t most) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_number_integer()) return complain(key);
    // Numbers above int64 are stored unsigned; none of our fields is that large.
    if (value->is_number_unsigned() && value->get<std::uint64_t>() > std::uint64_t{INT64_MAX}) return complain(key);
    const auto found = value->get<std::int64_t>();
    if (found < least || found > most) return complain(key);
    into = static_cast<Number>(found);
  }
  void read(std::string_view key, Milliseconds& into) const {
    std::int64_t count = into.count();
    number(key, count, -1, std::int64_t{1} << 52);
    into = Milliseconds(count);
  }
  template <typename Handler>
  void each(std::string_view key, Handler handler) const {
    const Json* value = find(key);
    if (value == nullptr) return;
    if (!value->is_array()) return complain(key);
    for (const Json& item : *value) {
      if (!item.is_object()) return complain(key);
      handler(Fields(item, prefix_ + std::string(key) + ".", bad_));
    }
  }
  const Json* find(std::string_view key) const {
    const Json* value = find_key(object_, key);
    return value != nullptr && value->is_null() ? nullptr : value;
  }
  void complain(std::string_view key) const {
    if (bad_->empty()) *bad_ = prefix_ + std::string(key);
  }
  Fields inside(std::string_view key) const {
    const Json* value = find(key);
    static const Json nothing = Json::object();
    if (value != nullptr && !value->is_object()) complain(key);
    return Fields(value != nullptr && value->is_object() ? *value : nothing, prefix_ + std::string(key) + ".", bad_);
  }

 private:
  const Json& object_;
  std::string prefix_;
  std::string* bad_;
};

HealthUnit health_from(const Fields& fields) {
  HealthUnit health;
  fields.read("argv", health.argv);
  fields.read("interval_ms", health.interval);
  fields.read("timeout_ms", health.timeout);
  fields.read("start_period_ms", health.start_period);
  fields.read("start_interval_ms", health.start_interval);
  fields.number("retries", health.retries, 0, INT32_MAX);
  fields.read("eager", health.eager);
  if (health.argv.empty()) fields.complain("argv");
  return health;
}

EndpointUnit endpoint_from(const Fields& fields) {
  EndpointUnit endpoint;
  fields.read("network_id", endpoint.network_id);
  fields.read("network_name", endpoint.network_name);
  fields.read("bridge", endpoint.bridge);
  fields.read("parent", endpoint.parent);
  if (!endpoint.parent.empty()) endpoint.bridge.clear();
  fields.read("driver", endpoint.driver);
  fields.read("mode", endpoint.mode);
  fields.read("ifname", endpoint.ifname);
  fields.read("ipv4", endpoint.ipv4);
  fields.read("gateway4", endpoint.gateway4);
  fields.read("ipv6", endpoint.ipv6);
  fields.read("gateway6", endpoint.gateway6);
  fields.read("mac", endpoint.mac);
  fields.read("link_local_ips", endpoint.link_local_ips);
  fields.read("default_route", endpoint.default_route);
  fields.read("internal", endpoint.internal);
  fields.read("routed4", endpoint.routed4);
  fields.read("routed6", endpoint.routed6);
  fields.read("direct4", endpoint.direct4);
  fields.read("direct6", endpoint.direct6);
  fields.read("masquerade", endpoint.masquerade);
  fields.read("isolated", endpoint.isolated);
  fields.number("mtu", endpoint.mtu, 0, 65535);
  fields.read("dns_names", endpoint.dns_names);
  return endpoint;
}

PortUnit port_from(const Fields& fields) {
  PortUnit port;
  fields.read("host_ip", port.host_ip);
  fields.number("host_port", port.host_port, 0, 65535);
  fields.number("host_port_end", port.host_port_end, 0, 65535);
  fields.number("container_port", port.container_port, 1, 65535);
  fields.read("protocol", port.protocol);
  if (port.container_port == 0) fields.complain("container_port");
  return port;
}

void read_enums(const Fields& fields, ContainerUnit& unit) {
  const Fields restart = fields.inside("restart");
  std::string text(to_string(unit.restart.policy));
  restart.read("policy", text);
  const auto policy = restart_policy_from(text);
  if (!policy) restart.complain("policy");
  unit.restart.policy = policy.value_or(RestartPolicy::no);
  restart.number("max_retries", unit.restart.max_retries, 0, INT32_MAX);

  text = to_string(unit.network_mode);
  fields.read("network_mode", text);
  const auto mode = network_mode_from(text);
  if (!mode) fields.complain("network_mode");
  unit.network_mode = mode.value_or(NetworkMode::none);
}

void read_network(const Fields& fields, ContainerUnit& unit) {
  fields.read("network_container", unit.network_container);
  fields.read("hostname", unit.hostname);
  fields.each("endpoints", [&](const Fields& item) { unit.endpoints.push_back(endpoint_from(item)); });
  fields.each("ports", [&](const Fields& item) { unit.ports.push_back(port_from(item)); });
  if (const Json* ports = fields.find("exposed_tcp_ports"); ports != nullptr) {
    if (!ports->is_array()) fields.complain("exposed_tcp_ports");
    for (const Json& port : *ports) {
      if (!port.is_number_unsigned() || port.get<std::uint64_t>() > 65535) {
        fields.complain("exposed_tcp_ports");
        break;
      }
      unit.exposed_tcp_ports.push_back(port.get<std::uint16_t>());
    }
  }
  fields.read("dns_servers", unit.dns_servers);
  if (const Json* sysctls = fields.find("sysctls"); sysctls != nullptr) {
    if (!sysctls->is_object()) return fields.complain("sysctls");
    for (const auto& [key, value] : sysctls->items()) {
      if (!value.is_string()) return fields.complain("sysctls");
      unit.sysctls[key] = value.get<std::string>();
    }
  }
  fields.each("link_aliases", [&](const Fields& item) {
    std::pair<std::string, std::string> link;
    item.read("alias", link.first);
    item.read("container", link.second);
    unit.link_aliases.push_back(std::move(link));
  });
}

// The id becomes part of paths, so only what random_id() generates is accepted.
bool valid_id(std::string_view id) {
  return !id.empty() && id.size() <= 64 &&
         std::ranges::all_of(id, [](char c) { return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f'); });
}

}  // namespace

std::string_view to_string(RestartPolicy policy) {
  return restart_policies[static_cast<std::size_t>(policy)].second;
}
std::string_view to_string(NetworkMode mode) {
  return network_modes[static_cast<std::size_t>(mode)].second;
}

std::optional<RestartPolicy> restart_policy_from(std::string_view text) {
  for (const auto& [policy, name] : restart_policies)
    if (name == text) return policy;
  return std::nullopt;
}

std::optional<NetworkMode> network_mode_from(std::string_view text) {
  for (const auto& [mode, name] : network_modes)
    if (name == text) return mode;
  return std::nullopt;
}

std::string unit_to_json(const ContainerUnit& unit) {
  Json json{{"id", unit.id},
            {"name", unit.name},
            {"project", unit.project},
            {"service", unit.service},
            {"number", unit.number},
            {"oneoff", unit.oneoff},
            {"depends_on", unit.depends_on},
            {"bundle", unit.bundle},
            {"runtime", unit.runtime},
            {"own_users", unit.own_users},
            {"users_of", unit.users_of},
            {"cgroup", unit.cgroup},
            {"tty", unit.tty},
            {"open_stdin", unit.open_stdin},
            {"stdin_once", unit.stdin_once}};
  if (unit.overlay)
    json["overlay"] = {{"lower", unit.overlay->lower}, {"upper", unit.overlay->upper}, {"work", unit.overlay->work}};
  json["log"] = {{"path", unit.log.path},
                 {"max_size", unit.log.max_size},
                 {"max_file", unit.log.max_file},
                 {"disabled", unit.log.disabled}};
  json["restart"] = {{"policy", to_string(unit.restart.policy)}, {"max_retries", unit.restart.max_retries}};
  json["stop_signal"] = unit.stop_signal;
  json["stop_timeout_ms"] = std::max<std::int64_t>(unit.stop_timeout.count(), -1);  // -1: no timeout
  if (unit.health) json["health"] = health_to_json(*unit.health);
  json["network_mode"] = to_string(unit.network_mode);
  json["network_container"] = unit.network_container;
  json["hostname"] = unit.hostname;
  json["endpoints"] = Json::array();
  for (const EndpointUnit& endpoint : unit.endpoints) json["endpoints"].push_back(endpoint_to_json(endpoint));
  json["sysctls"] = Json::object();
  for (const auto& [key, value] : unit.sysctls) json["sysctls"][key] = value;
  json["ports"] = Json::array();
  for (const PortUnit& port : unit.ports) json["ports"].push_back(port_to_json(port));
  json["exposed_tcp_ports"] = unit.exposed_tcp_ports;
  json["dns_servers"] = unit.dns_servers;
  json["link_aliases"] = Json::array();
  for (const auto& [alias, container] : unit.link_aliases)
    json["link_aliases"].push_back({{"alias", alias}, {"container", container}});
  json["auto_remove"] = unit.auto_remove;
  return dump_json(json);
}

Result<ContainerUnit> unit_from_json(std::string_view text, const std::string& source) {
  const Json json = TRY(parse_json(text, source));
  if (!json.is_object()) return fail(Error(Code::invalid, "read container unit").on(source).why("not an object"));
  std::string bad;
  const Fields fields(json, "", &bad);
  ContainerUnit unit;
  fields.read("id", unit.id);
  fields.read("name", unit.name);
  fields.read("project", unit.project);
  fields.read("service", unit.service);
  fields.number("number", unit.number, 0, INT32_MAX);
  fields.read("oneoff", unit.oneoff);
  fields.read("depends_on", unit.depends_on);
  fields.read("bundle", unit.bundle);
  fields.read("runtime", unit.runtime);
  fields.read("own_users", unit.own_users);
  fields.read("users_of", unit.users_of);
  fields.read("cgroup", unit.cgroup);
  fields.read("tty", unit.tty);
  fields.read("open_stdin", unit.open_stdin);
  fields.read("stdin_once", unit.stdin_once);
  if (fields.find("overlay") != nullptr) {
    const Fields overlay = fields.inside("overlay");
    unit.overlay.emplace();
    overlay.read("lower", unit.overlay->lower);
    overlay.read("upper", unit.overlay->upper);
    overlay.read("work", unit.overlay->work);
  }
  const Fields log = fields.inside("log");
  log.read("path", unit.log.path);
  log.number("max_size", unit.log.max_size, 0, INT64_MAX);
  log.number("max_file", unit.log.max_file, 1, 10000);
  log.read("disabled", unit.log.disabled);
  fields.number("stop_signal", unit.stop_signal, 1, 64);
  fields.read("stop_timeout_ms", unit.stop_timeout);
  if (fields.find("health") != nullptr) unit.health = health_from(fields.inside("health"));
  read_enums(fields, unit);
  read_network(fields, unit);
  fields.read("auto_remove", unit.auto_remove);

  if (bad.empty() && !valid_id(unit.id)) bad = "id";
  if (bad.empty() && !unit.bundle.starts_with('/')) bad = "bundle";
  if (!bad.empty()) return fail(Error(Code::invalid, "read container unit").on(source).why("bad field " + bad));
  return unit;
}

Result<ContainerUnit> read_unit(const std::string& path) {
  const std::string text = TRY_WRAP(read_file(path, unit_bytes_limit), "read container unit", path);
  return unit_from_json(text, path);
}

}  // namespace consort::supervisor

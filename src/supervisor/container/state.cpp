#include "supervisor/state.hpp"

#include <array>
#include <utility>

#include "base/json.hpp"
#include "supervisor/container/state_json.hpp"

namespace consort::supervisor {
namespace {

constexpr std::array<std::string_view, 7> statuses{"created",  "running", "paused", "restarting",
                                                   "removing", "exited",  "dead"};
constexpr std::array<std::string_view, 4> health_statuses{"none", "starting", "healthy", "unhealthy"};

std::optional<SystemTime> time_from(const Json& json, std::string_view key) {
  const std::string text = get_string(json, key);
  return text.empty() ? std::nullopt : parse_rfc3339(text);
}

Json health_to_json(const HealthState& health) {
  Json log = Json::array();
  for (const HealthResult& result : health.log)
    log.push_back({{"start", format_rfc3339(result.start)},
                   {"end", format_rfc3339(result.end)},
                   {"exit_code", result.exit_code},
                   {"output", result.output}});
  return Json{{"status", to_string(health.status)}, {"failing_streak", health.failing_streak}, {"log", std::move(log)}};
}

HealthState health_from_json(const Json& json) {
  HealthState health;
  health.status = health_status_from(get_string(json, "status")).value_or(HealthStatus::none);
  health.failing_streak = static_cast<unsigned>(get_int(json, "failing_streak"));
  const Json* log = find_key(json, "log");
  if (log == nullptr || !log->is_array()) return health;
  for (const Json& item : *log) {
    HealthResult result;
    result.start = time_from(item, "start").value_or(SystemTime{});
    result.end = time_from(item, "end").value_or(SystemTime{});
    result.exit_code = static_cast<int>(get_int(item, "exit_code"));
    result.output = get_string(item, "output");
    health.log.push_back(std::move(result));
    if (health.log.size() > 5) health.log.pop_front();
  }
  return health;
}

Json port_as_json(const BoundPort& port) {
  return Json{{"host_ip", port.host_ip},
              {"host_port", port.host_port},
              {"container_port", port.container_port},
              {"protocol", port.protocol}};
}

BoundPort port_of_json(const Json& item) {
  return BoundPort{get_string(item, "host_ip"), static_cast<std::uint16_t>(get_int(item, "host_port")),
                   static_cast<std::uint16_t>(get_int(item, "container_port")), get_string(item, "protocol", "tcp")};
}

Json lost_ports_as_json(const std::vector<LostPort>& ports) {
  Json json = Json::array();
  for (const LostPort& lost : ports) {
    json.push_back(port_as_json(lost.port));
    json.back()["why"] = lost.why;
  }
  return json;
}

std::vector<LostPort> lost_ports_of_json(const Json& parent) {
  std::vector<LostPort> ports;
  const Json* json = find_key(parent, "lost_ports");
  if (json == nullptr || !json->is_array()) return ports;
  for (const Json& item : *json) ports.push_back(LostPort{port_of_json(item), get_string(item, "why")});
  return ports;
}

Json lists_to_json(const ObservedContainer& state, Json json) {
  Json addresses = Json::array();
  for (const EndpointAddress& address : state.addresses)
    addresses.push_back({{"network_id", address.network_id},
                         {"network_name", address.network_name},
                         {"ipv4", address.ipv4},
                         {"ipv6", address.ipv6},
                         {"gateway4", address.gateway4},
                         {"gateway6", address.gateway6},
                         {"mac", address.mac}});
  json["ports"] = ports_as_json(state.ports);
  if (!state.lost_ports.empty()) json["lost_ports"] = lost_ports_as_json(state.lost_ports);
  json["addresses"] = std::move(addresses);
  return json;
}

void lists_from_json(const Json& json, ObservedContainer& state) {
  state.ports = ports_of_json(json, "ports");
  state.lost_ports = lost_ports_of_json(json);
  if (const Json* addresses = find_key(json, "addresses"); addresses != nullptr && addresses->is_array())
    for (const Json& item : *addresses)
      state.addresses.push_back(EndpointAddress{get_string(item, "network_id"), get_string(item, "network_name"),
                                                get_string(item, "ipv4"), get_string(item, "ipv6"),
                                                get_string(item, "gateway4"), get_string(item, "gateway6"),
                                                get_string(item, "mac")});
}

}  // namespace

Json ports_as_json(const std::vector<BoundPort>& ports) {
  Json json = Json::array();
  for (const BoundPort& port : ports) json.push_back(port_as_json(port));
  return json;
}

std::vector<BoundPort> ports_of_json(const Json& parent, const char* key) {
  std::vector<BoundPort> ports;
  const Json* json = find_key(parent, key);
  if (json == nullptr || !json->is_array()) return ports;
  for (const Json& item : *json) ports.push_back(port_of_json(item));
  return ports;
}

std::string_view to_string(Status status) {
  return statuses[static_cast<std::size_t>(status)];
}
std::string_view to_string(HealthStatus status) {
  return health_statuses[static_cast<std::size_t>(status)];
}

std::optional<Status> status_from(std::string_view text) {
  for (std::size_t i = 0; i < statuses.size(); ++i)
    if (statuses[i] == text) return static_cast<Status>(i);
  return std::nullopt;
}

std::optional<HealthStatus> health_status_from(std::string_view text) {
  for (std::size_t i = 0; i < health_statuses.size(); ++i)
    if (health_statuses[i] == text) return static_cast<HealthStatus>(i);
  return std::nullopt;
}

Json state_as_json(const ObservedContainer& state) {
  Json json{{"id", state.id},
            {"name", state.name},
            {"project", state.project},
            {"service", state.service},
            {"number", state.number},
            {"oneoff", state.oneoff},
            {"status", to_string(state.status)},
            {"pid", state.pid},
            {"pid_started", state.pid_started},
            {"exit_code", state.exit_code ? Json(*state.exit_code) : Json()},
            {"oom_killed", state.oom_killed},
            {"manually_stopped", state.manually_stopped},
            {"stopping", state.stopping},
            {"error", state.error},
            {"started_at", state.started_at ? format_rfc3339(*state.started_at) : ""},
            {"finished_at", state.finished_at ? format_rfc3339(*state.finished_at) : ""},
            {"restart_count", state.restart_count},
            {"health", health_to_json(state.health)},
            {"log_trouble", state.log.why},
            {"log_lost_bytes", state.log.lost_bytes},
            {"cgroup", state.cgroup},
            {"auto_remove", state.auto_remove}};
  return lists_to_json(state, std::move(json));
}

Result<ObservedContainer> state_of_json(const Json& json, const std::string& source) {
  const auto bad = [&](const char* field) {
    return fail(Error(Code::invalid, "read container state").on(source).why(std::string("bad field ") + field));
  };
  if (!json.is_object()) return bad("(root)");
  ObservedContainer state;
  state.id = get_string(json, "id");
  if (state.id.empty()) return bad("id");
  const auto status = status_from(get_string(json, "status"));
  if (!status) return bad("status");
  state.status = *status;
  state.name = get_string(json, "name");
  state.project = get_string(json, "project");
  state.service = get_string(json, "service");
  state.number = static_cast<unsigned>(get_int(json, "number", 1));
  state.oneoff = get_bool(json, "oneoff");
  state.pid = static_cast<pid_t>(get_int(json, "pid"));
  state.pid_started = static_cast<std::uint64_t>(get_int(json, "pid_started"));
  if (const Json* code = find_key(json, "exit_code"); code != nullptr && code->is_number_integer())
    state.exit_code = static_cast<int>(get_int(json, "exit_code"));
  state.oom_killed = get_bool(json, "oom_killed");
  state.manually_stopped = get_bool(json, "manually_stopped");
  state.stopping = get_bool(json, "stopping");
  state.error = get_string(json, "error");
  state.started_at = time_from(json, "started_at");
  state.finished_at = time_from(json, "finished_at");
  state.restart_count = static_cast<unsigned>(get_int(json, "restart_count"));
  if (const Json* health = find_key(json, "health"); health != nullptr) state.health = health_from_json(*health);
  state.log.why = get_string(json, "log_trouble");
  state.log.lost_bytes = static_cast<std::uint64_t>(get_int(json, "log_lost_bytes"));
  state.cgroup = get_string(json, "cgroup");
  state.auto_remove = get_bool(json, "auto_remove");
  lists_from_json(json, state);
  return state;
}

std::string state_to_json(const ObservedContainer& state) {
  return dump_json(state_as_json(state));
}

Result<ObservedContainer> state_from_json(std::string_view text, const std::string& source) {
  return state_of_json(TRY(parse_json(text, source)), source);
}

}  // namespace consort::supervisor

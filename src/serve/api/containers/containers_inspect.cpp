// GET /containers/{id}/json.
#include <map>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "engine/files.hpp"
#include "engine/state_text.hpp"
#include "serve/api/containers/container_shape.hpp"
#include "serve/api/containers/containers.hpp"
#include "serve/api/containers/host_config.hpp"
#include "serve/api/routes.hpp"
#include "serve/api/service.hpp"
#include "serve/api/shapes.hpp"

namespace consort::serve {

namespace {

using engine::ContainerDetails;

Json health_shape(const engine::HealthState& health) {
  Json log = Json::array();
  for (const engine::HealthResult& result : health.log)
    log.push_back({{"Start", go_time(result.start)},
                   {"End", go_time(result.end)},
                   {"ExitCode", result.exit_code},
                   {"Output", result.output}});
  return {{"Status", to_string(health.status)}, {"FailingStreak", health.failing_streak}, {"Log", std::move(log)}};
}

Json state_shape(const ContainerDetails& container) {
  const engine::ContainerState& state = container.state;
  Json shape{
      {"Status", to_string(state.status)},
      {"Running", state.running()},
      {"Paused", state.status == engine::Status::paused},
      {"Restarting", state.status == engine::Status::restarting},
      {"OOMKilled", state.oom_killed},
      {"Dead", state.status == engine::Status::dead},
      {"Pid", state.pid},
      {"ExitCode", engine::shown_exit_code(state)},
      {"Error", state.status == engine::Status::created ? start_failure(state.error) : state.error},
      {"StartedAt", go_time(state.started_at)},
      {"FinishedAt", go_time(state.has_process() && state.restart_count == 0 ? std::nullopt : state.finished_at)}};
  if (container.process.health && state.health.status != engine::HealthStatus::none)
    shape["Health"] = health_shape(state.health);
  return shape;
}

Json health_config(const engine::HealthSpec& health) {
  Json shape{{"Test", or_null(health.test.value_or(engine::Strings{}))}};
  const auto add = [&](const char* name, const std::optional<Nanoseconds>& value) {
    if (value && value->count() != 0) shape[name] = value->count();
  };
  add("Interval", health.interval);
  add("Timeout", health.timeout);
  add("StartPeriod", health.start_period);
  add("StartInterval", health.start_interval);
  if (health.retries && *health.retries != 0) shape["Retries"] = *health.retries;
  return shape;
}

Json set_of(const engine::Strings& keys) {
  Json set = Json::object();
  for (const std::string& key : keys) set[key] = Json::object();
  return set;
}

// Variables of the image that the container is not to have are included by name only.
Json environment_of(const ContainerDetails& container) {
  engine::Strings variables;
  for (const std::string& entry : container.spec.environment)
    if (!entry.contains('=')) variables.push_back(entry);
  const engine::Strings& merged = container.process.environment;
  variables.insert(variables.end(), merged.begin(), merged.end());
  return or_null(variables);
}

Json ports_by_number(const ContainerDetails& container) {
  Json ports = Json::object();
  for (const engine::BoundPort& port : container.state.ports) {
    Json& list = ports[std::to_string(port.container_port) + "/" + port.protocol];
    if (!list.is_array()) list = Json::array();
    list.push_back({{"HostIp", port.host_ip}, {"HostPort", port.host_port == 0 ? "" : std::to_string(port.host_port)}});
  }
  for (const std::string& exposed : engine::shown_exposed(container))
    if (!ports.contains(exposed)) ports[exposed] = nullptr;
  return ports;
}

// Until 1.44, on networks other than the default one, the short id was among them.
void add_short_id(Json& networks, const std::string& id) {
  constexpr std::size_t digits = 12;
  for (auto& [name, network] : networks.items()) {
    if (name == "bridge" || name == "host" || name == "none") continue;
    Json& aliases = network["Aliases"];
    if (!aliases.is_array()) aliases = Json::array();
    aliases.push_back(id.substr(0, digits));
  }
}

Json network_settings(const ContainerDetails& container, const Json& note, unsigned version) {
  constexpr unsigned without_short_id = 45;
  const Json* said = find_key(note, "EndpointsConfig");
  Json networks = endpoints(container, said ? *said : Json::object());
  if (version < without_short_id) add_short_id(networks, container.id);
  const engine::Endpoint* bridge = nullptr;
  for (const engine::Endpoint& endpoint : container.networks)
    if (endpoint.network == "bridge") bridge = &endpoint;
  const engine::Endpoint none;
  const engine::Endpoint& shown = bridge ? *bridge : none;
  return {
      {"Bridge", ""},
      {"SandboxID", container.state.has_process() ? container.id : ""},
      {"SandboxKey", container.state.has_process() ? "/proc/" + std::to_string(container.state.pid) + "/ns/net" : ""},
      {"Ports", ports_by_number(container)},
      {"HairpinMode", false},
      {"LinkLocalIPv6Address", ""},
      {"LinkLocalIPv6PrefixLen", 0},
      {"SecondaryIPAddresses", nullptr},
      {"SecondaryIPv6Addresses", nullptr},
      {"EndpointID", bridge && !shown.ipv4.empty() ? endpoint_id(container.id, shown.network_id) : ""},
      {"Gateway", shown.gateway4},
      {"GlobalIPv6Address", shown.ipv6},
      {"GlobalIPv6PrefixLen", shown.prefix6},
      {"IPAddress", shown.ipv4},
      {"IPPrefixLen", shown.prefix4},
      {"IPv6Gateway", shown.gateway6},
      {"MacAddress", shown.mac_address},
      {"Networks", std::move(networks)}};
}

// With the mode that Binds gave.
Json detailed_mounts(const ContainerDetails& container, const Json& host_config) {
  std::map<std::string, std::string> modes;  // by target
  for (const std::string& bind : get_strings(host_config, "Binds"))
    if (const auto parts = split(bind, ':'); parts.size() == 3) modes[clean_path(parts[1])] = parts[2];
  Json rows = mount_rows(container);
  for (Json& row : rows) {
    const std::string target = get_string(row, "Destination");
    if (const auto mode = modes.find(target); mode != modes.end()) row["Mode"] = mode->second;
  }
  return rows;
}

Json merged_host_config(const ContainerDetails& container, const Json& note) {
  Json config = host_config(container);
  if (const Json* said = find_key(note, "HostConfig"); said && said->is_object()) config.update(*said);
  return config;
}

// Config. said: the same of the client's note.
Json configured(const ContainerDetails& container, const Json& said) {
  const engine::ContainerSpec& spec = container.spec;
  const engine::ProcessConfig& process = container.process;
  Json config{{"Hostname", container.hostname},
              {"Domainname", container.domainname},
              {"User", process.user},
              {"AttachStdin", get_bool(said, "AttachStdin")},
              {"AttachStdout", get_bool(said, "AttachStdout")},
              {"AttachStderr", get_bool(said, "AttachStderr")}};
  if (!process.exposed.empty()) config["ExposedPorts"] = set_of(process.exposed);
  config["Tty"] = spec.tty;
  config["OpenStdin"] = spec.open_stdin;
  config["StdinOnce"] = get_bool(said, "StdinOnce");
  config["Env"] = environment_of(container);
  config["Cmd"] = or_null(process.command);
  if (spec.health)
    config["Healthcheck"] = health_config(*spec.health);
  else if (process.health)
    config["Healthcheck"] = health_config(*process.health);
  config["Image"] = container.image;
  Json volumes = set_of(process.volumes);
  if (const Json* own = find_key(said, "Volumes"); own && own->is_object()) volumes.update(*own);
  config["Volumes"] = volumes.empty() ? Json(nullptr) : std::move(volumes);
  config["WorkingDir"] = process.working_dir == "/" && spec.working_dir.empty() ? "" : process.working_dir;
  config["Entrypoint"] = or_null(process.entrypoint);
  config["OnBuild"] = nullptr;
  config["Labels"] = map_of(container.labels);
  if (!spec.stop_signal.empty() || process.stop_signal != "SIGTERM") config["StopSignal"] = process.stop_signal;
  if (spec.stop_timeout)
    config["StopTimeout"] = std::chrono::duration_cast<std::chrono::seconds>(*spec.stop_timeout).count();
  return config;
}

Result<> inspect_container(Call& call) {
  const ContainerDetails container = TRY(find_container(call));
  const Json note = client_note(call, container);
  const Json* said = find_key(note, "Config");
  const engine::Strings& argv = container.process.argv;
  engine::Engine& engine = *TRY(call.engine());
  const engine::HostPaths paths = engine.files().host_paths(container.id);
  Json shape{{"Id", container.id},
             {"Created", go_time(container.created_at)},
             {"Path", container.process.path},
             {"Args", argv.empty() ? Json::array() : strings_of({argv.begin() + 1, argv.end()})},
             {"State", state_shape(container)},
             {"Image", container.image_id},
             {"ResolvConfPath", paths.resolv_conf},
             {"HostnamePath", paths.hostname},
             {"HostsPath", paths.hosts},
             {"LogPath", ""},
             {"Name", "/" + container.name},
             {"RestartCount", container.state.restart_count},
             {"Driver", "overlay2"},
             {"Platform", "linux"},
             {"MountLabel", ""},
             {"ProcessLabel", ""},
             {"AppArmorProfile", ""},
             {"ExecIDs", or_null(call.service().execs().running_in(container.id))},
             {"HostConfig", merged_host_config(container, note)},
             {"GraphDriver", {{"Data", {{"UpperDir", paths.upper}, {"WorkDir", paths.work}}}, {"Name", "overlay2"}}}};
  if (call.flag("size")) {
    const ContainerSize size = size_of(engine, container);
    shape["SizeRw"] = size.own;
    shape["SizeRootFs"] = size.whole;
  }
  shape["Mounts"] = detailed_mounts(container, shape["HostConfig"]);
  shape["Config"] = configured(container, said ? *said : Json::object());
  shape["NetworkSettings"] = network_settings(container, note, call.version());
  return call.json(200, shape);
}

constexpr Route table[] = {{"GET", "/containers/{id}/json", inspect_container, Access::look, Reach::project}};

}  // namespace

std::span<const Route> container_inspect_routes() {
  return table;
}

}  // namespace consort::serve

#include "serve/api/containers/container_spec.hpp"

#include <algorithm>
#include <array>

#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "serve/api/call.hpp"
#include "serve/api/containers/container_mounts.hpp"
#include "serve/api/containers/container_networks.hpp"
#include "serve/api/service.hpp"

namespace consort::serve {

namespace {

using engine::ContainerSpec;
using engine::StringMap;
using engine::Strings;

const Json& part(const Json& object, std::string_view key) {
  static const Json none = Json::object();
  const Json* found = find_key(object, key);
  return found && found->is_object() ? *found : none;
}

StringMap text_map(const Json& object) {
  StringMap map;
  for (const auto& [key, value] : object.items()) map[key] = value.is_string() ? value.get<std::string>() : "";
  return map;
}

// A list, or a single word from old clients. Absent and null: none.
std::optional<Strings> words(const Json& object, std::string_view key) {
  const Json* value = find_key(object, key);
  if (!value || value->is_null()) return std::nullopt;
  if (value->is_string()) return Strings{value->get<std::string>()};
  return get_strings(object, key);
}

bool is_project_name(const std::string& name) {
  constexpr std::string_view letters = "abcdefghijklmnopqrstuvwxyz0123456789";
  return !name.empty() && letters.contains(name[0]) &&
         name.find_first_not_of(std::string(letters) + "_-") == std::string::npos;
}

// Containers created by Compose belong to its project, all others to none. Outside a project, `oneoff` has its own
// meaning: the input ends with that of the first client.
void set_project(ContainerSpec& spec, const Json& body) {
  const auto label = [&](const char* name) {
    const auto found = spec.labels.find(std::string("com.docker.compose.") + name);
    return found == spec.labels.end() ? std::string() : found->second;
  };
  const std::string project = label("project");
  spec.project = is_project_name(project) ? project : loose_project;
  spec.oneoff = get_bool(body, "StdinOnce");
  if (spec.project != project) return;
  spec.service = label("service");
  spec.number = saturated<unsigned>(parse_unsigned(label("container-number")).value_or(1));
  spec.oneoff = to_lower(label("oneoff")) == "true";
}

engine::HealthSpec health_of(const Json& json) {
  engine::HealthSpec health;
  health.test = words(json, "Test");
  const auto duration = [&](const char* key, std::optional<Nanoseconds>& value) {
    if (const std::int64_t count = get_int(json, key); count != 0) value = Nanoseconds(count);
  };
  duration("Interval", health.interval);
  duration("Timeout", health.timeout);
  duration("StartPeriod", health.start_period);
  duration("StartInterval", health.start_interval);
  if (const std::int64_t retries = get_int(json, "Retries"); retries > 0) health.retries = saturated<unsigned>(retries);
  return health;
}

void add_config(ContainerSpec& spec, const Json& body) {
  spec.image = get_string(body, "Image");
  spec.hostname = get_string(body, "Hostname");
  spec.domainname = get_string(body, "Domainname");
  spec.user = get_string(body, "User");
  spec.environment = get_strings(body, "Env");
  spec.entrypoint = words(body, "Entrypoint");
  spec.command = words(body, "Cmd");
  if (spec.command && spec.command->empty()) spec.command.reset();
  spec.working_dir = get_string(body, "WorkingDir");
  spec.labels = text_map(part(body, "Labels"));
  spec.tty = get_bool(body, "Tty");
  spec.open_stdin = get_bool(body, "OpenStdin");
  spec.stop_signal = get_string(body, "StopSignal");
  if (const Json* timeout = find_key(body, "StopTimeout"); timeout && timeout->is_number_integer())
    spec.stop_timeout = std::chrono::seconds(saturated<std::int32_t>(get_int(body, "StopTimeout")));
  for (const auto& [port, nothing] : part(body, "ExposedPorts").items()) spec.expose.push_back(port);
  if (const Json* health = find_key(body, "Healthcheck"); health && health->is_object())
    spec.health = health_of(*health);
}

std::vector<engine::BlkioDevice> block_devices(const Json& host, const char* key, const char* value_name) {
  std::vector<engine::BlkioDevice> devices;
  if (const Json* list = find_key(host, key); list && list->is_array())
    for (const Json& each : *list)
      devices.push_back({get_string(each, "Path"), saturated<std::uint64_t>(get_int(each, value_name))});
  return devices;
}

Result<> add_devices(ContainerSpec& spec, const Json& host) {
  if (const Json* list = find_key(host, "Devices"); list && list->is_array())
    for (const Json& each : *list)
      spec.devices.push_back({.host_path = get_string(each, "PathOnHost"),
                              .container_path = get_string(each, "PathInContainer"),
                              .permissions = get_string(each, "CgroupPermissions", "rwm")});
  spec.device_cgroup_rules = get_strings(host, "DeviceCgroupRules");
  if (const Json* list = find_key(host, "DeviceRequests"); list && list->is_array())
    for (const Json& each : *list) {
      const std::string driver = get_string(each, "Driver");
      spec.device_requests.push_back(driver.empty() ? "gpu" : driver);
    }
  if (const Json* list = find_key(host, "Ulimits"); list && list->is_array())
    for (const Json& each : *list)
      spec.ulimits.push_back(
          {.name = get_string(each, "Name"), .soft = get_int(each, "Soft"), .hard = get_int(each, "Hard")});
  return {};
}

// Docker's client requests systempaths=unconfined with two empty lists.
bool unmasks_paths(const Json& host) {
  const auto empty_list = [&](const char* key) {
    const Json* list = find_key(host, key);
    return list && list->is_array() && list->empty();
  };
  return empty_list("MaskedPaths") && empty_list("ReadonlyPaths");
}

void add_security(ContainerSpec& spec, const Json& host) {
  spec.privileged = get_bool(host, "Privileged");
  spec.cap_add = words(host, "CapAdd").value_or(Strings());
  spec.cap_drop = words(host, "CapDrop").value_or(Strings());
  spec.security_opt = get_strings(host, "SecurityOpt");
  if (unmasks_paths(host)) spec.security_opt.emplace_back("systempaths=unconfined");
  spec.group_add = get_strings(host, "GroupAdd");
  spec.read_only = get_bool(host, "ReadonlyRootfs");
  spec.pid_mode = get_string(host, "PidMode");
  spec.ipc_mode = get_string(host, "IpcMode");
  spec.uts_mode = get_string(host, "UTSMode");
  spec.cgroup_mode = get_string(host, "CgroupnsMode");
  spec.userns_mode = get_string(host, "UsernsMode");
  spec.isolation = get_string(host, "Isolation");
}

Result<> add_host_names(ContainerSpec& spec, const Json& host) {
  spec.dns = get_strings(host, "Dns");
  spec.dns_search = get_strings(host, "DnsSearch");
  spec.dns_opt = get_strings(host, "DnsOptions");
  spec.links = get_strings(host, "Links");
  spec.volumes_from = get_strings(host, "VolumesFrom");
  for (const std::string& entry : get_strings(host, "ExtraHosts")) {
    const std::size_t colon = entry.find(':');
    if (colon == std::string::npos || colon == 0)
      return fail(http_error(400, "bad format for add-host: \"" + entry + "\""));
    std::string address = entry.substr(colon + 1);
    if (address.starts_with('[') && address.ends_with(']')) address = address.substr(1, address.size() - 2);
    spec.extra_hosts.push_back({.name = entry.substr(0, colon), .address = std::move(address)});
  }
  return {};
}

Result<> add_host_config(ContainerSpec& spec, const Json& host) {
  add_security(spec, host);
  TRY(add_host_names(spec, host));
  TRY(add_devices(spec, host));
  spec.resources = TRY(resources_of(host));
  spec.restart = TRY(restart_of(host));
  spec.auto_remove = get_bool(host, "AutoRemove");
  spec.cgroup_parent = get_string(host, "CgroupParent");
  if (const std::int64_t size = get_int(host, "ShmSize"); size < 0)
    return fail(http_error(400, "SHM size can not be less than 0"));
  else if (size > 0)
    spec.shm_size = static_cast<std::uint64_t>(size);
  spec.oom_score_adj = saturated<int>(get_int(host, "OomScoreAdj"));
  if (const Json* init = find_key(host, "Init"); init && init->is_boolean()) spec.init = init->get<bool>();
  spec.sysctls = text_map(part(host, "Sysctls"));
  spec.annotations = text_map(part(host, "Annotations"));
  spec.storage_opt = text_map(part(host, "StorageOpt"));
  spec.tmpfs = text_map(part(host, "Tmpfs"));
  const Json& log = part(host, "LogConfig");
  spec.log = {.driver = get_string(log, "Type"), .options = text_map(part(log, "Config"))};
  spec.runtime = get_string(host, "Runtime");
  // The name that inspect gives ours, and the name by which clients know an engine's default.
  if (spec.runtime == "consort" || spec.runtime == "runc") spec.runtime.clear();
  return {};
}

}  // namespace

Result<engine::RestartPolicy> restart_of(const Json& host) {
  const Json& json = part(host, "RestartPolicy");
  engine::RestartPolicy policy;
  const std::string name = get_string(json, "Name");
  const std::int64_t retries = get_int(json, "MaximumRetryCount");
  using enum engine::RestartMode;
  if (name == "always")
    policy.mode = always;
  else if (name == "unless-stopped")
    policy.mode = unless_stopped;
  else if (name == "on-failure")
    policy.mode = on_failure;
  else if (!name.empty() && name != "no")
    return fail(http_error(400, "invalid restart policy: unknown policy '" + name +
                                    "'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'"));
  if (retries < 0) return fail(http_error(400, "invalid restart policy: maximum retry count cannot be negative"));
  policy.max_retries = saturated<unsigned>(retries);
  return policy;
}

Result<engine::Resources> resources_of(const Json& host) {
  engine::Resources r;
  r.memory = get_int(host, "Memory");
  r.memory_swap = get_int(host, "MemorySwap");
  r.memory_reservation = get_int(host, "MemoryReservation");
  if (const std::int64_t swappiness = get_int(host, "MemorySwappiness", -1); swappiness != -1)
    r.memory_swappiness = swappiness;
  r.nano_cpus = get_int(host, "NanoCpus");
  r.cpu_shares = get_int(host, "CpuShares");
  r.cpu_period = get_int(host, "CpuPeriod");
  r.cpu_quota = get_int(host, "CpuQuota");
  r.cpu_rt_period = get_int(host, "CpuRealtimePeriod");
  r.cpu_rt_runtime = get_int(host, "CpuRealtimeRuntime");
  r.cpu_count = get_int(host, "CpuCount");
  r.cpu_percent = get_int(host, "CpuPercent");
  r.cpuset_cpus = get_string(host, "CpusetCpus");
  r.cpuset_mems = get_string(host, "CpusetMems");
  if (const std::int64_t limit = get_int(host, "PidsLimit"); limit != 0) r.pids_limit = limit;
  r.oom_kill_disable = get_bool(host, "OomKillDisable");
  r.blkio_weight = saturated<unsigned>(get_int(host, "BlkioWeight"));
  r.blkio_weight_device = block_devices(host, "BlkioWeightDevice", "Weight");
  r.blkio_read_bps = block_devices(host, "BlkioDeviceReadBps", "Rate");
  r.blkio_write_bps = block_devices(host, "BlkioDeviceWriteBps", "Rate");
  r.blkio_read_iops = block_devices(host, "BlkioDeviceReadIOps", "Rate");
  r.blkio_write_iops = block_devices(host, "BlkioDeviceWriteIOps", "Rate");
  return r;
}

Result<engine::ContainerSpec> container_spec(const Json& body) {
  ContainerSpec spec;
  if (get_int(part(body, "Healthcheck"), "Retries") < 0)
    return fail(http_error(400, "Retries in Healthcheck cannot be negative"));
  add_config(spec, body);
  set_project(spec, body);
  const Json& host = part(body, "HostConfig");
  TRY(add_host_config(spec, host));
  TRY(add_mounts(spec, host, part(body, "Volumes")));
  TRY(add_networks(spec, host, part(part(body, "NetworkingConfig"), "EndpointsConfig")));
  if (const std::string mac = get_string(body, "MacAddress"); !mac.empty() && !spec.networks.empty())
    if (spec.networks.front().mac_address.empty()) spec.networks.front().mac_address = mac;
  return spec;
}

}  // namespace consort::serve

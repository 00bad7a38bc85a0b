#include "serve/api/containers/known_keys.hpp"

#include <span>

#include "serve/api/value_kinds.hpp"

namespace consort::serve {

namespace {

std::span<const KnownKey> host_keys() {
  using enum ValueKind;
  using enum Changed;
  static constexpr KnownKey keys[] = {{"Annotations", map_of_texts},
                                      {"AutoRemove", truth},
                                      {"Binds", texts},
                                      {"BlkioDeviceReadBps", objects},
                                      {"BlkioDeviceReadIOps", objects},
                                      {"BlkioDeviceWriteBps", objects},
                                      {"BlkioDeviceWriteIOps", objects},
                                      {"BlkioWeight", number, update},
                                      {"BlkioWeightDevice", objects},
                                      {"CapAdd", words},
                                      {"CapDrop", words},
                                      {"Cgroup", text},
                                      {"CgroupParent", text},
                                      {"CgroupnsMode", text},
                                      {"ConsoleSize", numbers},
                                      {"ContainerIDFile", text},
                                      {"CpuCount", number},
                                      {"CpuPercent", number},
                                      {"CpuPeriod", number, update},
                                      {"CpuQuota", number, update},
                                      {"CpuRealtimePeriod", number, update},
                                      {"CpuRealtimeRuntime", number, update},
                                      {"CpuShares", number, update},
                                      {"CpusetCpus", text, update},
                                      {"CpusetMems", text, update},
                                      {"DeviceCgroupRules", texts},
                                      {"DeviceRequests", objects},
                                      {"Devices", objects},
                                      {"Dns", texts},
                                      {"DnsOptions", texts},
                                      {"DnsSearch", texts},
                                      {"ExtraHosts", texts},
                                      {"GroupAdd", texts},
                                      {"IOMaximumBandwidth", number},
                                      {"IOMaximumIOps", number},
                                      {"Init", truth},
                                      {"IpcMode", text},
                                      {"Isolation", text},
                                      {"Links", texts},
                                      {"LogConfig", object},
                                      {"Memory", number, update},
                                      {"MemoryReservation", number, update},
                                      {"MemorySwap", number, update},
                                      {"MemorySwappiness", number, update},
                                      {"Mounts", objects},
                                      {"NanoCpus", number, update},
                                      {"NetworkMode", text},
                                      {"OomKillDisable", truth},
                                      {"OomScoreAdj", number},
                                      {"PidMode", text},
                                      {"PidsLimit", number, update},
                                      {"PortBindings", object},
                                      {"Privileged", truth},
                                      {"PublishAllPorts", truth},
                                      {"ReadonlyRootfs", truth},
                                      {"RestartPolicy", object, update},
                                      {"Runtime", text},
                                      {"SecurityOpt", texts},
                                      {"ShmSize", number},
                                      {"StorageOpt", map_of_texts},
                                      {"Sysctls", map_of_texts},
                                      {"Tmpfs", map_of_texts},
                                      {"UTSMode", text},
                                      {"Ulimits", objects},
                                      {"UsernsMode", text},
                                      {"VolumeDriver", text},
                                      {"VolumesFrom", texts}};
  return keys;
}

// Keys that are repeated here. MacAddress is returned as the endpoint has it.
std::span<const KnownKey> endpoint_keys() {
  using enum ValueKind;
  static constexpr KnownKey keys[] = {{"Aliases", texts},
                                      {"DriverOpts", map_of_texts},
                                      {"GwPriority", number},
                                      {"IPAMConfig", object},
                                      {"Links", texts}};
  return keys;
}

std::span<const KnownKey> config_keys() {
  using enum ValueKind;
  static constexpr KnownKey keys[] = {{"AttachStderr", truth},
                                      {"AttachStdin", truth},
                                      {"AttachStdout", truth},
                                      {"Cmd", words},
                                      {"Domainname", text},
                                      {"Entrypoint", words},
                                      {"Env", texts},
                                      {"ExposedPorts", object},
                                      {"Healthcheck", object},
                                      {"HostConfig", object},
                                      {"Hostname", text},
                                      {"Image", text},
                                      {"Labels", map_of_texts},
                                      {"MacAddress", text},
                                      {"NetworkDisabled", truth},
                                      {"NetworkingConfig", object},
                                      {"OnBuild", texts},
                                      {"OpenStdin", truth},
                                      {"Shell", words},
                                      {"StdinOnce", truth},
                                      {"StopSignal", text},
                                      {"StopTimeout", number},
                                      {"Tty", truth},
                                      {"User", text},
                                      {"Volumes", object},
                                      {"WorkingDir", text}};
  return keys;
}

std::span<const KnownKey> health_keys() {
  using enum ValueKind;
  static constexpr KnownKey keys[] = {{"Interval", number},    {"Retries", number}, {"StartInterval", number},
                                      {"StartPeriod", number}, {"Test", texts},     {"Timeout", number}};
  return keys;
}

// Keys one level deeper in HostConfig, returned as an object.
Result<> check_parts(const Json& host) {
  using enum ValueKind;
  static constexpr KnownKey log[] = {{"Config", map_of_texts}, {"Type", text}};
  static constexpr KnownKey restart[] = {{"MaximumRetryCount", number}, {"Name", text}};
  if (const Json* part = find_key(host, "LogConfig")) TRY(check_kinds(log, *part, "HostConfig.LogConfig"));
  if (const Json* part = find_key(host, "RestartPolicy")) TRY(check_kinds(restart, *part, "HostConfig.RestartPolicy"));
  return {};
}

// Lists and maps of texts lose null entries. Other objects keep them: null has a meaning in PortBindings.
Json without_nulls(ValueKind kind, const Json& value) {
  const bool is_map = kind == ValueKind::map_of_texts;
  if (!is_map && !value.is_array()) return value;
  Json kept = is_map ? Json::object() : Json::array();
  for (const auto& [name, each] : value.items()) {
    if (each.is_null()) continue;
    if (is_map)
      kept[name] = each;
    else
      kept.push_back(each);
  }
  return kept;
}

Json kept_of(std::span<const KnownKey> keys, const Json& said, Changed changed) {
  Json kept = Json::object();
  for (const KnownKey& key : keys)
    if (changed == Changed::no || key.changed == changed)
      if (const Json* value = find_key(said, key.name); value && !value->is_null() && is_of(key.kind, *value))
        kept[key.name] = without_nulls(key.kind, *value);
  return kept;
}

}  // namespace

Result<> check_container_kinds(const Json& body) {
  TRY(check_kinds(config_keys(), body));
  if (const Json* health = find_key(body, "Healthcheck")) TRY(check_kinds(health_keys(), *health, "Healthcheck"));
  if (const Json* host = find_key(body, "HostConfig")) {
    TRY(check_kinds(host_keys(), *host, "HostConfig"));
    TRY(check_parts(*host));
  }
  static constexpr KnownKey networking_keys[] = {{"EndpointsConfig", ValueKind::object}};
  const Json* networking = find_key(body, "NetworkingConfig");
  if (!networking) return {};
  TRY(check_kinds(networking_keys, *networking, "NetworkingConfig"));
  const Json* endpoints = find_key(*networking, "EndpointsConfig");
  if (!endpoints || endpoints->is_null()) return {};
  for (const auto& [name, endpoint] : endpoints->items()) {
    const KnownKey as_key{name, ValueKind::object};
    TRY(check_kinds(std::span(&as_key, 1), *endpoints, "EndpointsConfig"));
    TRY(check_endpoint_kinds(endpoint, "EndpointsConfig." + name));
  }
  return {};
}

Result<> check_endpoint_kinds(const Json& endpoint, const std::string& inside) {
  using enum ValueKind;
  static constexpr KnownKey unkept[] = {{"MacAddress", text}};
  static constexpr KnownKey ipam_keys[] = {{"IPv4Address", text}, {"IPv6Address", text}, {"LinkLocalIPs", texts}};
  TRY(check_kinds(endpoint_keys(), endpoint, inside));
  TRY(check_kinds(unkept, endpoint, inside));
  const Json* ipam = find_key(endpoint, "IPAMConfig");
  return ipam ? check_kinds(ipam_keys, *ipam, inside + ".IPAMConfig") : Result<>();
}

Result<> check_update_kinds(const Json& body) {
  TRY(check_kinds(host_keys(), body));
  return check_parts(body);
}

Json known_host_config(const Json& said) {
  return kept_of(host_keys(), said, Changed::no);
}

Json known_update(const Json& said) {
  return kept_of(host_keys(), said, Changed::update);
}

Json known_endpoint_config(const Json& said) {
  return kept_of(endpoint_keys(), said, Changed::no);
}

}  // namespace consort::serve

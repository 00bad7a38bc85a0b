#include "serve/api/containers/known_keys.hpp"

#include <algorithm>
#include <span>

namespace consort::serve {

namespace {

enum class ValueKind : std::uint8_t { text, number, truth, texts, objects, map_of_texts, object, numbers };
enum class Changed : std::uint8_t { no, update };

struct KnownKey {
  std::string_view name;
  ValueKind kind;
  Changed changed = Changed::no;
};

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
                                      {"CapAdd", texts},
                                      {"CapDrop", texts},
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

std::span<const KnownKey> endpoint_keys() {
  using enum ValueKind;
  static constexpr KnownKey keys[] = {{"Aliases", texts},
                                      {"DriverOpts", map_of_texts},
                                      {"GwPriority", number},
                                      {"IPAMConfig", object},
                                      {"Links", texts}};
  return keys;
}

bool is_of(ValueKind kind, const Json& value) {
  using enum ValueKind;
  const auto all = [&](auto is) { return value.is_array() && std::ranges::all_of(value, is); };
  switch (kind) {
    case text:
      return value.is_string();
    case number:
      return value.is_number_integer();
    case truth:
      return value.is_boolean();
    case texts:
      return all([](const Json& each) { return each.is_string(); });
    case objects:
      return all([](const Json& each) { return each.is_object(); });
    case numbers:
      return all([](const Json& each) { return each.is_number_integer(); });
    case object:
      return value.is_object();
    case map_of_texts:
      return value.is_object() && std::ranges::all_of(value, [](const Json& each) { return each.is_string(); });
  }
  return false;
}

Json kept_of(std::span<const KnownKey> keys, const Json& said, Changed changed) {
  Json kept = Json::object();
  for (const KnownKey& key : keys)
    if (changed == Changed::no || key.changed == changed)
      if (const Json* value = find_key(said, key.name); value && is_of(key.kind, *value)) kept[key.name] = *value;
  return kept;
}

}  // namespace

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

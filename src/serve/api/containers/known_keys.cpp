#include "serve/api/containers/known_keys.hpp"

#include <algorithm>
#include <span>

namespace consort::serve {

namespace {

enum class Kind : std::uint8_t { text, number, truth, texts, objects, text_map, object, numbers };
enum class Change : std::uint8_t { no, update };

struct Key {
  std::string_view name;
  Kind kind;
  Change change = Change::no;
};

using enum Kind;
constexpr Change update = Change::update;

constexpr Key host_keys[] = {{"Annotations", text_map},
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
                             {"StorageOpt", text_map},
                             {"Sysctls", text_map},
                             {"Tmpfs", text_map},
                             {"UTSMode", text},
                             {"Ulimits", objects},
                             {"UsernsMode", text},
                             {"VolumeDriver", text},
                             {"VolumesFrom", texts}};

constexpr Key endpoint_keys[] = {
    {"Aliases", texts}, {"DriverOpts", text_map}, {"GwPriority", number}, {"IPAMConfig", object}, {"Links", texts}};

bool is_of(Kind kind, const Json& value) {
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
    case text_map:
      return value.is_object() && std::ranges::all_of(value, [](const Json& each) { return each.is_string(); });
  }
  return false;
}

Json known(std::span<const Key> keys, const Json& said, Change change) {
  Json kept = Json::object();
  for (const Key& key : keys)
    if (change == Change::no || key.change == change)
      if (const Json* value = find_key(said, key.name); value && is_of(key.kind, *value)) kept[key.name] = *value;
  return kept;
}

}  // namespace

Json known_host_config(const Json& said) {
  return known(host_keys, said, Change::no);
}

Json known_update(const Json& said) {
  return known(host_keys, said, Change::update);
}

Json known_endpoint_config(const Json& said) {
  return known(endpoint_keys, said, Change::no);
}

}  // namespace consort::serve

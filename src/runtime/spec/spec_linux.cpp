// config.json to Spec: the object "linux".
#include <array>

#include "base/json.hpp"
#include "runtime/spec.hpp"
#include "runtime/spec/spec_json.hpp"

namespace consort::runtime::internal {

namespace {

struct NamedKind {
  std::string_view name;
  NamespaceKind kind;
};
constexpr std::array<NamedKind, 8> namespace_names = {{{"mount", NamespaceKind::mount},
                                                       {"pid", NamespaceKind::pid},
                                                       {"network", NamespaceKind::network},
                                                       {"ipc", NamespaceKind::ipc},
                                                       {"uts", NamespaceKind::uts},
                                                       {"cgroup", NamespaceKind::cgroup},
                                                       {"user", NamespaceKind::user},
                                                       {"time", NamespaceKind::time}}};

Result<> parse_namespaces(const Json& object, Linux& into) {
  for (const Json* entry : TRY(entries_of(object, "namespaces", "linux.namespaces"))) {
    const std::string type = get_string(*entry, "type");
    const NamedKind* found = nullptr;
    for (const NamedKind& candidate : namespace_names)
      if (candidate.name == type) found = &candidate;
    if (!found) return malformed("linux.namespaces", "unknown type \"" + type + "\"");
    if (found->kind == NamespaceKind::time)
      return fail(Error(Code::unsupported, "linux.namespaces").why("time namespaces"));
    for (const Namespace& other : into.namespaces)
      if (other.kind == found->kind) return malformed("linux.namespaces", "\"" + type + "\" appears twice");
    into.namespaces.push_back({found->kind, get_string(*entry, "path")});
  }
  return {};
}

Result<> parse_mappings(const Json& object, std::string_view key, std::vector<IdMapping>& into) {
  const std::string where = "linux." + std::string(key);
  for (const Json* entry : TRY(entries_of(object, key, where))) {
    const auto container = TRY(unsigned_of<std::uint32_t>(*entry, "containerID", where));
    const auto host = TRY(unsigned_of<std::uint32_t>(*entry, "hostID", where));
    const auto size = TRY(unsigned_of<std::uint32_t>(*entry, "size", where));
    into.push_back({container.value_or(0), host.value_or(0), size.value_or(0)});
  }
  return {};
}

Result<> parse_devices(const Json& object, std::vector<Device>& into) {
  constexpr std::string_view where = "linux.devices";
  for (const Json* entry : TRY(entries_of(object, "devices", where))) {
    Device device;
    device.path = get_string(*entry, "path");
    const std::string type = get_string(*entry, "type");
    if (!device.path.starts_with('/')) return malformed(where, "path \"" + device.path + "\" is not absolute");
    if (type != "c" && type != "u" && type != "b" && type != "p")
      return malformed(where, "unknown type \"" + type + "\"");
    device.type = type == "u" ? 'c' : type[0];
    device.major = TRY(unsigned_of<std::uint32_t>(*entry, "major", where)).value_or(0);
    device.minor = TRY(unsigned_of<std::uint32_t>(*entry, "minor", where)).value_or(0);
    device.mode = TRY(unsigned_of<std::uint32_t>(*entry, "fileMode", where)).value_or(0666) & 07777;
    device.uid = TRY(unsigned_of<std::uint32_t>(*entry, "uid", where)).value_or(0);
    device.gid = TRY(unsigned_of<std::uint32_t>(*entry, "gid", where)).value_or(0);
    into.push_back(std::move(device));
  }
  return {};
}

Result<> parse_device_rules(const Json& resources, std::vector<DeviceRule>& into) {
  constexpr std::string_view where = "linux.resources.devices";
  for (const Json* entry : TRY(entries_of(resources, "devices", where))) {
    DeviceRule rule;
    rule.allow = get_bool(*entry, "allow");
    const std::string type = get_string(*entry, "type", "a");
    if (type != "a" && type != "b" && type != "c") return malformed(where, "unknown type \"" + type + "\"");
    rule.type = type[0];
    rule.major = TRY(signed_of(*entry, "major", where));
    rule.minor = TRY(signed_of(*entry, "minor", where));
    if (rule.major == -1) rule.major.reset();
    if (rule.minor == -1) rule.minor.reset();
    rule.access = get_string(*entry, "access", "rwm");
    if (rule.access.empty() || rule.access.find_first_not_of("rwm") != std::string::npos)
      return malformed(where, "unknown access \"" + rule.access + "\"");
    into.push_back(std::move(rule));
  }
  return {};
}

Result<> parse_throttle(const Json& block, std::string_view key, std::string_view value,
                        std::vector<ThrottleDevice>& into) {
  const std::string where = "linux.resources.blockIO." + std::string(key);
  for (const Json* entry : TRY(entries_of(block, key, where))) {
    const auto major = TRY(unsigned_of<std::uint32_t>(*entry, "major", where));
    const auto minor = TRY(unsigned_of<std::uint32_t>(*entry, "minor", where));
    const auto rate = TRY(unsigned_of<std::uint64_t>(*entry, value, where));
    into.push_back({major.value_or(0), minor.value_or(0), rate.value_or(0)});
  }
  return {};
}

Result<> parse_block_io(const Json& block, Resources& into) {
  into.blkio_weight = TRY(unsigned_of<std::uint16_t>(block, "weight", "linux.resources.blockIO.weight"));
  TRY(parse_throttle(block, "weightDevice", "weight", into.blkio_weight_device));
  TRY(parse_throttle(block, "throttleReadBpsDevice", "rate", into.read_bps));
  TRY(parse_throttle(block, "throttleWriteBpsDevice", "rate", into.write_bps));
  TRY(parse_throttle(block, "throttleReadIOPSDevice", "rate", into.read_iops));
  TRY(parse_throttle(block, "throttleWriteIOPSDevice", "rate", into.write_iops));
  return {};
}

Result<> parse_memory(const Json& memory, Resources& into) {
  into.memory_limit = TRY(signed_of(memory, "limit", "linux.resources.memory.limit"));
  into.memory_reservation = TRY(signed_of(memory, "reservation", "linux.resources.memory.reservation"));
  into.memory_swap = TRY(signed_of(memory, "swap", "linux.resources.memory.swap"));
  into.memory_swappiness = TRY(signed_of(memory, "swappiness", "linux.resources.memory.swappiness"));
  if (find_key(memory, "disableOOMKiller")) into.disable_oom_killer = get_bool(memory, "disableOOMKiller");
  return {};
}

Result<> parse_cpu(const Json& cpu, Resources& into) {
  into.cpu_shares = TRY(unsigned_of<std::uint64_t>(cpu, "shares", "linux.resources.cpu.shares"));
  into.cpu_quota = TRY(signed_of(cpu, "quota", "linux.resources.cpu.quota"));
  into.cpu_period = TRY(unsigned_of<std::uint64_t>(cpu, "period", "linux.resources.cpu.period"));
  into.cpu_realtime_runtime = TRY(signed_of(cpu, "realtimeRuntime", "linux.resources.cpu.realtimeRuntime"));
  into.cpu_realtime_period =
      TRY(unsigned_of<std::uint64_t>(cpu, "realtimePeriod", "linux.resources.cpu.realtimePeriod"));
  into.cpuset_cpus = get_string(cpu, "cpus");
  into.cpuset_mems = get_string(cpu, "mems");
  return {};
}

Result<> parse_resources(const Json& resources, Resources& into) {
  TRY(parse_device_rules(resources, into.devices));
  if (const Json* memory = find_key(resources, "memory")) TRY(parse_memory(*memory, into));
  if (const Json* cpu = find_key(resources, "cpu")) TRY(parse_cpu(*cpu, into));
  if (const Json* pids = find_key(resources, "pids"))
    into.pids_limit = TRY(signed_of(*pids, "limit", "linux.resources.pids.limit"));
  if (const Json* block = find_key(resources, "blockIO")) TRY(parse_block_io(*block, into));
  if (const Json* unified = find_key(resources, "unified"); unified && unified->is_object())
    for (const auto& [file, content] : unified->items()) {
      if (file.find('/') != std::string::npos || !content.is_string())
        return malformed("linux.resources.unified", "\"" + file + "\" is not a name of a file with its text");
      into.unified[file] = content.get<std::string>();
    }
  return {};
}

Result<> parse_sysctl(const Json& object, std::map<std::string, std::string>& into) {
  const Json* sysctl = find_key(object, "sysctl");
  if (!sysctl || !sysctl->is_object()) return {};
  for (const auto& [key, value] : sysctl->items()) {
    if (!value.is_string() || key.empty() || key.contains("..") || key.starts_with('/'))
      return malformed("linux.sysctl", "\"" + key + "\" is not a sysctl");
    into[key] = value.get<std::string>();
  }
  return {};
}

}  // namespace

Result<> parse_linux(const Json& object, Linux& into) {
  TRY(parse_namespaces(object, into));
  TRY(parse_mappings(object, "uidMappings", into.uid_mappings));
  TRY(parse_mappings(object, "gidMappings", into.gid_mappings));
  TRY(parse_devices(object, into.devices));
  if (const Json* resources = find_key(object, "resources")) TRY(parse_resources(*resources, into.resources));
  into.cgroups_path = get_string(object, "cgroupsPath");
  into.rootfs_propagation = get_string(object, "rootfsPropagation");
  into.masked_paths = get_strings(object, "maskedPaths");
  into.readonly_paths = get_strings(object, "readonlyPaths");
  TRY(parse_sysctl(object, into.sysctl));
  into.has_seccomp = find_key(object, "seccomp") != nullptr;
  if (find_key(object, "intelRdt")) return fail(Error(Code::unsupported, "linux.intelRdt"));
  return {};
}

}  // namespace consort::runtime::internal

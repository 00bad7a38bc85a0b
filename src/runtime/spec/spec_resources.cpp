// config.json to Spec: the object "linux.resources", which `update` also accepts on its own.
#include <utility>

#include "base/json.hpp"
#include "runtime/spec.hpp"
#include "runtime/spec/spec_json.hpp"

namespace consort::runtime::internal {

namespace {

// -1: all, as if it were missing.
Result<std::optional<std::int64_t>> device_number(const Json& entry, std::string_view key, std::string_view where) {
  const auto number = TRY(signed_of(entry, key, where));
  if (!number || *number == -1) return std::optional<std::int64_t>();
  if (!std::in_range<std::uint32_t>(*number)) return malformed(where, "no device has such a number");
  return number;
}

Result<> parse_device_rules(const Json& resources, std::vector<DeviceRule>& into) {
  constexpr std::string_view where = "linux.resources.devices";
  for (const Json* entry : TRY(entries_of(resources, "devices", where))) {
    DeviceRule rule;
    rule.allow = get_bool(*entry, "allow");
    const std::string type = get_string(*entry, "type", "a");
    if (type != "a" && type != "b" && type != "c") return malformed(where, "unknown type \"" + type + "\"");
    rule.type = type[0];
    rule.major = TRY(device_number(*entry, "major", where));
    rule.minor = TRY(device_number(*entry, "minor", where));
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
    if (!major || !minor) return malformed(where, "major and minor are required");
    if (rate) into.push_back({*major, *minor, *rate});
  }
  return {};
}

Result<> parse_block_io(const Json& block, Resources& into) {
  into.blkio_weight = TRY(unsigned_of<std::uint16_t>(block, "weight", "linux.resources.blockIO.weight"));
  into.blkio_leaf_weight = TRY(unsigned_of<std::uint16_t>(block, "leafWeight", "linux.resources.blockIO.leafWeight"));
  TRY(parse_throttle(block, "weightDevice", "weight", into.blkio_weight_device));
  TRY(parse_throttle(block, "weightDevice", "leafWeight", into.blkio_leaf_weight_device));
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
  into.memory_kernel = TRY(signed_of(memory, "kernel", "linux.resources.memory.kernel"));
  into.memory_kernel_tcp = TRY(signed_of(memory, "kernelTCP", "linux.resources.memory.kernelTCP"));
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
  into.cpu_burst = TRY(unsigned_of<std::uint64_t>(cpu, "burst", "linux.resources.cpu.burst"));
  into.cpu_idle = TRY(signed_of(cpu, "idle", "linux.resources.cpu.idle"));
  into.cpuset_cpus = get_string(cpu, "cpus");
  into.cpuset_mems = get_string(cpu, "mems");
  return {};
}

Result<> parse_hugepages(const Json& resources, Resources& into) {
  constexpr std::string_view where = "linux.resources.hugepageLimits";
  for (const Json* entry : TRY(entries_of(resources, "hugepageLimits", where))) {
    std::string size = get_string(*entry, "pageSize");
    const auto limit = TRY(unsigned_of<std::uint64_t>(*entry, "limit", where));
    const std::size_t unit = size.find_first_not_of("0123456789");
    const bool known = unit != 0 && unit != std::string::npos &&
                       (size.substr(unit) == "KB" || size.substr(unit) == "MB" || size.substr(unit) == "GB");
    if (!known) return malformed(where, "\"" + size + "\" is not a page size like \"2MB\"");
    if (!limit) return malformed(where, "limit is required");
    into.hugepages.push_back({std::move(size), *limit});
  }
  return {};
}

Result<> parse_network(const Json& network, Resources& into) {
  into.network_class = TRY(unsigned_of<std::uint32_t>(network, "classID", "linux.resources.network.classID"));
  constexpr std::string_view where = "linux.resources.network.priorities";
  for (const Json* entry : TRY(entries_of(network, "priorities", where))) {
    const std::string name = get_string(*entry, "name");
    const auto priority = TRY(unsigned_of<std::uint32_t>(*entry, "priority", where));
    if (name.empty() || !priority) return malformed(where, "name and priority are required");
    into.network_priorities[name] = *priority;
  }
  return {};
}

Result<> parse_rdma(const Json& resources, Resources& into) {
  const Json* rdma = find_key(resources, "rdma");
  if (!rdma || !rdma->is_object()) return {};
  for (const auto& [device, limits] : rdma->items()) {
    RdmaLimit& limit = into.rdma[device];
    limit.handles = TRY(unsigned_of<std::uint32_t>(limits, "hcaHandles", "linux.resources.rdma.hcaHandles"));
    limit.objects = TRY(unsigned_of<std::uint32_t>(limits, "hcaObjects", "linux.resources.rdma.hcaObjects"));
  }
  return {};
}

Result<> parse_unified(const Json& resources, Resources& into) {
  const Json* unified = find_key(resources, "unified");
  if (!unified || !unified->is_object()) return {};
  for (const auto& [file, content] : unified->items()) {
    if (file.find('/') != std::string::npos || !content.is_string())
      return malformed("linux.resources.unified", "\"" + file + "\" is not a name of a file with its text");
    into.unified[file] = content.get<std::string>();
  }
  return {};
}

}  // namespace

Result<> parse_resources(const Json& resources, Resources& into) {
  TRY(parse_device_rules(resources, into.devices));
  if (const Json* memory = find_key(resources, "memory")) TRY(parse_memory(*memory, into));
  if (const Json* cpu = find_key(resources, "cpu")) TRY(parse_cpu(*cpu, into));
  if (const Json* pids = find_key(resources, "pids"))
    into.pids_limit = TRY(signed_of(*pids, "limit", "linux.resources.pids.limit"));
  if (const Json* block = find_key(resources, "blockIO")) TRY(parse_block_io(*block, into));
  TRY(parse_hugepages(resources, into));
  if (const Json* network = find_key(resources, "network")) TRY(parse_network(*network, into));
  TRY(parse_rdma(resources, into));
  return parse_unified(resources, into);
}

}  // namespace consort::runtime::internal

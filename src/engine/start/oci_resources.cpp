#include "engine/start/oci_resources.hpp"

#include <sys/sysmacros.h>

#include "base/os/files/file.hpp"
#include "base/os/files/real_path.hpp"
#include "base/strings.hpp"
#include "engine/checks/device_rule.hpp"
#include "runtime/defaults.hpp"

namespace consort::engine {

namespace {

Json memory_json(const Resources& r) {
  Json memory = Json::object();
  if (r.memory) {
    memory["limit"] = r.memory;
    memory["swap"] = r.memory_swap ? r.memory_swap : 2 * r.memory;
  } else if (r.memory_swap) {
    memory["swap"] = r.memory_swap;
  }
  if (r.memory_reservation) memory["reservation"] = r.memory_reservation;
  if (r.memory_swappiness && *r.memory_swappiness >= 0) memory["swappiness"] = *r.memory_swappiness;
  if (r.oom_kill_disable) memory["disableOOMKiller"] = true;
  return memory;
}

Json cpu_json(const Resources& r) {
  Json cpu = Json::object();
  if (r.cpu_shares) cpu["shares"] = r.cpu_shares;
  if (r.nano_cpus) {
    constexpr std::int64_t period = 100'000;
    cpu["period"] = period;
    cpu["quota"] = r.nano_cpus * period / 1'000'000'000;
  }
  if (r.cpu_period) cpu["period"] = r.cpu_period;
  if (r.cpu_quota) cpu["quota"] = r.cpu_quota;
  if (r.cpu_rt_period) cpu["realtimePeriod"] = r.cpu_rt_period;
  if (r.cpu_rt_runtime) cpu["realtimeRuntime"] = r.cpu_rt_runtime;
  if (!r.cpuset_cpus.empty()) cpu["cpus"] = r.cpuset_cpus;
  if (!r.cpuset_mems.empty()) cpu["mems"] = r.cpuset_mems;
  return cpu;
}

Result<void> add_throttle(Json& into, const char* key, const char* value_key, const std::vector<BlkioDevice>& devices) {
  for (const BlkioDevice& device : devices) {
    const Result<struct stat> st = stat_path(device.path);
    if (!st || !S_ISBLK(st->st_mode)) {
      return fail(Error(st ? Code::invalid : Code::not_found, "limit of block device")
                      .on(device.path)
                      .why(st ? "not a block device" : "no such file or directory"));
    }
    into[key].push_back({{"major", major(st->st_rdev)}, {"minor", minor(st->st_rdev)}, {value_key, device.value}});
  }
  return {};
}

Result<Json> blkio_json(const Resources& r) {
  Json io = Json::object();
  if (r.blkio_weight) io["weight"] = r.blkio_weight;
  TRY(add_throttle(io, "weightDevice", "weight", r.blkio_weight_device));
  TRY(add_throttle(io, "throttleReadBpsDevice", "rate", r.blkio_read_bps));
  TRY(add_throttle(io, "throttleWriteBpsDevice", "rate", r.blkio_write_bps));
  TRY(add_throttle(io, "throttleReadIOPSDevice", "rate", r.blkio_read_iops));
  TRY(add_throttle(io, "throttleWriteIOPSDevice", "rate", r.blkio_write_iops));
  return io;
}

Json rule_json(const runtime::DeviceRule& rule) {
  Json json = {{"allow", rule.allow}, {"type", std::string(1, rule.type)}};
  if (rule.major) json["major"] = *rule.major;
  if (rule.minor) json["minor"] = *rule.minor;
  json["access"] = rule.access;
  return json;
}

Result<Json> device_rules_json(const OciInput& input) {
  Json rules = Json::array();
  if (input.spec.privileged) {
    rules.push_back(rule_json({.allow = true, .type = 'a', .access = "rwm"}));
    return rules;
  }
  for (const runtime::DeviceRule& rule : runtime::default_device_rules()) rules.push_back(rule_json(rule));
  for (const runtime::Device& device : input.devices) {
    std::string access = "rwm";
    for (const DeviceSpec& wanted : input.spec.devices) {
      const std::string& target = wanted.container_path.empty() ? wanted.host_path : wanted.container_path;
      if (lies_in(device.path, target)) access = wanted.permissions;
    }
    rules.push_back(rule_json(
        {.allow = true, .type = device.type, .major = device.major, .minor = device.minor, .access = access}));
  }
  for (const std::string& text : input.spec.device_cgroup_rules) {
    const auto rule = parse_device_rule(text);
    // In a record of an earlier version, which checked less.
    if (!rule)
      return fail(Error(Code::invalid, "invalid device cgroup rule format: '" + text + "'")
                      .about(Subject::setting, "device_cgroup_rules/" + text));
    rules.push_back(rule_json(*rule));
  }
  return rules;
}

}  // namespace

Json devices_json(const std::vector<runtime::Device>& devices) {
  Json array = Json::array();
  for (const runtime::Device& device : devices) {
    array.push_back({{"path", device.path},
                     {"type", std::string(1, device.type)},
                     {"major", device.major},
                     {"minor", device.minor},
                     {"fileMode", device.mode},
                     {"uid", device.uid},
                     {"gid", device.gid}});
  }
  return array;
}

Result<Json> resources_json(const OciInput& input) {
  const Resources& r = input.spec.resources;
  Json devices = TRY(device_rules_json(input));
  Json resources = {{"devices", std::move(devices)}};
  if (Json memory = memory_json(r); !memory.empty()) resources["memory"] = std::move(memory);
  if (Json cpu = cpu_json(r); !cpu.empty()) resources["cpu"] = std::move(cpu);
  if (r.pids_limit) resources["pids"] = {{"limit", *r.pids_limit > 0 ? *r.pids_limit : -1}};
  Json io = TRY(blkio_json(r));
  if (!io.empty()) resources["blockIO"] = std::move(io);
  return resources;
}

}  // namespace consort::engine

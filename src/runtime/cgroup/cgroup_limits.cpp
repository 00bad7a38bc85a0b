// Limits in the form of either cgroup version's files. OCI uses v1's terms; the conversions are the specification's.
#include <algorithm>

#include "runtime/cgroup/cgroup_hierarchy.hpp"

namespace consort::runtime::internal {

namespace {

std::string number_or_max(std::int64_t value) {
  return value < 0 ? "max" : std::to_string(value);
}

std::string device_number(const ThrottleDevice& device) {
  return std::to_string(device.major) + ":" + std::to_string(device.minor);
}

std::string rule_text(const DeviceRule& rule) {
  const auto number = [](const std::optional<std::int64_t>& value) {
    return value ? std::to_string(*value) : std::string("*");
  };
  return std::string(1, rule.type) + " " + number(rule.major) + ":" + number(rule.minor) + " " + rule.access;
}

bool is_everything(const DeviceRule& rule) {
  return rule.type == 'a' && !rule.major && !rule.minor;
}

void throttle_v1(std::vector<CgroupWrite>& writes, const std::string& file,
                 const std::vector<ThrottleDevice>& devices) {
  for (const ThrottleDevice& device : devices)
    writes.push_back({"blkio", file, device_number(device) + " " + std::to_string(device.rate)});
}

void throttle_v2(std::vector<CgroupWrite>& writes, const std::string& key, const std::vector<ThrottleDevice>& devices) {
  for (const ThrottleDevice& device : devices)
    writes.push_back(
        {"io", "io.max",
         device_number(device) + " " + key + "=" + (device.rate ? std::to_string(device.rate) : std::string("max"))});
}

void rdma(std::vector<CgroupWrite>& writes, const Resources& r) {
  for (const auto& entry : r.rdma) {
    const auto& limit = entry.second;
    std::string text = entry.first;
    if (limit.handles) text += " hca_handle=" + std::to_string(*limit.handles);
    if (limit.objects) text += " hca_object=" + std::to_string(*limit.objects);
    writes.push_back({"rdma", "rdma.max", text});
  }
}

}  // namespace

std::uint64_t cpu_weight_of_shares(std::uint64_t shares) {
  if (shares == 0) return 0;
  shares = std::clamp<std::uint64_t>(shares, 2, 262144);
  return 1 + (shares - 2) * 9999 / 262142;
}

std::vector<CgroupWrite> limits_v1(const Resources& r) {
  std::vector<CgroupWrite> writes;
  for (const DeviceRule& rule : r.devices)
    writes.push_back({"devices", rule.allow ? "devices.allow" : "devices.deny",
                      is_everything(rule) ? std::string("a") : rule_text(rule)});
  if (r.memory_limit) writes.push_back({"memory", "memory.limit_in_bytes", std::to_string(*r.memory_limit)});
  // memory plus swap must not be below memory, so it comes second in a new cgroup.
  if (r.memory_swap) writes.push_back({"memory", "memory.memsw.limit_in_bytes", std::to_string(*r.memory_swap)});
  if (r.memory_reservation)
    writes.push_back({"memory", "memory.soft_limit_in_bytes", std::to_string(*r.memory_reservation)});
  if (r.memory_kernel) writes.push_back({"memory", "memory.kmem.limit_in_bytes", std::to_string(*r.memory_kernel)});
  if (r.memory_kernel_tcp)
    writes.push_back({"memory", "memory.kmem.tcp.limit_in_bytes", std::to_string(*r.memory_kernel_tcp)});
  if (r.memory_swappiness) writes.push_back({"memory", "memory.swappiness", std::to_string(*r.memory_swappiness)});
  if (r.disable_oom_killer.value_or(false)) writes.push_back({"memory", "memory.oom_control", "1"});
  if (r.cpu_shares && *r.cpu_shares) writes.push_back({"cpu", "cpu.shares", std::to_string(*r.cpu_shares)});
  if (r.cpu_period && *r.cpu_period) writes.push_back({"cpu", "cpu.cfs_period_us", std::to_string(*r.cpu_period)});
  if (r.cpu_quota && *r.cpu_quota) writes.push_back({"cpu", "cpu.cfs_quota_us", std::to_string(*r.cpu_quota)});
  if (r.cpu_realtime_period && *r.cpu_realtime_period)
    writes.push_back({"cpu", "cpu.rt_period_us", std::to_string(*r.cpu_realtime_period)});
  if (r.cpu_realtime_runtime && *r.cpu_realtime_runtime)
    writes.push_back({"cpu", "cpu.rt_runtime_us", std::to_string(*r.cpu_realtime_runtime)});
  if (!r.cpuset_cpus.empty()) writes.push_back({"cpuset", "cpuset.cpus", r.cpuset_cpus});
  if (!r.cpuset_mems.empty()) writes.push_back({"cpuset", "cpuset.mems", r.cpuset_mems});
  if (r.pids_limit && *r.pids_limit) writes.push_back({"pids", "pids.max", number_or_max(*r.pids_limit)});
  if (r.blkio_weight && *r.blkio_weight) writes.push_back({"blkio", "blkio.weight", std::to_string(*r.blkio_weight)});
  if (r.blkio_leaf_weight && *r.blkio_leaf_weight)
    writes.push_back({"blkio", "blkio.leaf_weight", std::to_string(*r.blkio_leaf_weight)});
  throttle_v1(writes, "blkio.weight_device", r.blkio_weight_device);
  throttle_v1(writes, "blkio.leaf_weight_device", r.blkio_leaf_weight_device);
  throttle_v1(writes, "blkio.throttle.read_bps_device", r.read_bps);
  throttle_v1(writes, "blkio.throttle.write_bps_device", r.write_bps);
  throttle_v1(writes, "blkio.throttle.read_iops_device", r.read_iops);
  throttle_v1(writes, "blkio.throttle.write_iops_device", r.write_iops);
  if (r.cpu_burst) writes.push_back({"cpu", "cpu.cfs_burst_us", std::to_string(*r.cpu_burst)});
  if (r.cpu_idle) writes.push_back({"cpu", "cpu.idle", std::to_string(*r.cpu_idle)});
  for (const HugepageLimit& limit : r.hugepages)
    writes.push_back({"hugetlb", "hugetlb." + limit.page_size + ".limit_in_bytes", std::to_string(limit.limit)});
  if (r.network_class) writes.push_back({"net_cls", "net_cls.classid", std::to_string(*r.network_class)});
  for (const auto& [name, priority] : r.network_priorities)
    writes.push_back({"net_prio", "net_prio.ifpriomap", name + " " + std::to_string(priority)});
  rdma(writes, r);
  return writes;
}

std::vector<CgroupWrite> limits_v2(const Resources& r) {
  std::vector<CgroupWrite> writes;
  if (r.memory_limit) writes.push_back({"memory", "memory.max", number_or_max(*r.memory_limit)});
  if (r.memory_swap) {
    // v1 counts memory and swap together, v2 only swap.
    std::int64_t swap = *r.memory_swap;
    if (swap >= 0 && r.memory_limit && *r.memory_limit > 0) swap = std::max<std::int64_t>(0, swap - *r.memory_limit);
    writes.push_back({"memory", "memory.swap.max", number_or_max(swap)});
  }
  if (r.memory_reservation) writes.push_back({"memory", "memory.low", number_or_max(*r.memory_reservation)});
  if (r.cpu_shares && *r.cpu_shares)
    writes.push_back({"cpu", "cpu.weight", std::to_string(cpu_weight_of_shares(*r.cpu_shares))});
  if ((r.cpu_quota && *r.cpu_quota) || (r.cpu_period && *r.cpu_period)) {
    const std::int64_t quota = r.cpu_quota.value_or(-1);
    std::string text = quota > 0 ? std::to_string(quota) : "max";
    text += " " + std::to_string(r.cpu_period && *r.cpu_period ? *r.cpu_period : 100000);
    writes.push_back({"cpu", "cpu.max", text});
  }
  if (!r.cpuset_cpus.empty()) writes.push_back({"cpuset", "cpuset.cpus", r.cpuset_cpus});
  if (!r.cpuset_mems.empty()) writes.push_back({"cpuset", "cpuset.mems", r.cpuset_mems});
  if (r.pids_limit && *r.pids_limit) writes.push_back({"pids", "pids.max", number_or_max(*r.pids_limit)});
  if (r.blkio_weight && *r.blkio_weight) {
    // 10..1000 to 1..10000
    const std::uint64_t weight = 1 + (std::max<std::uint64_t>(*r.blkio_weight, 10) - 10) * 9999 / 990;
    writes.push_back({"io", "io.weight", "default " + std::to_string(weight)});
  }
  throttle_v2(writes, "rbps", r.read_bps);
  throttle_v2(writes, "wbps", r.write_bps);
  throttle_v2(writes, "riops", r.read_iops);
  throttle_v2(writes, "wiops", r.write_iops);
  if (r.cpu_burst) writes.push_back({"cpu", "cpu.max.burst", std::to_string(*r.cpu_burst)});
  if (r.cpu_idle) writes.push_back({"cpu", "cpu.idle", std::to_string(*r.cpu_idle)});
  for (const HugepageLimit& limit : r.hugepages)
    writes.push_back({"hugetlb", "hugetlb." + limit.page_size + ".max", std::to_string(limit.limit)});
  rdma(writes, r);
  for (const auto& [file, text] : r.unified) writes.push_back({file.substr(0, file.find('.')), file, text});
  return writes;
}

}  // namespace consort::runtime::internal

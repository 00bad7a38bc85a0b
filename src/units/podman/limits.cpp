// Resource limits of a container.
#include <cstdio>

#include "units/podman/parts.hpp"

namespace consort::units {

namespace {

std::string decimal(double value) {
  char text[32];
  (void)std::snprintf(text, sizeof text, "%g", value);
  return text;
}

void add_number(ContainerUnit& unit, const char* key, const char* flag, std::int64_t value) {
  if (value != 0) unit.text(key, flag, std::to_string(value));
}

void add_throttles(ContainerUnit& unit, const char* flag, const std::vector<compose::ThrottleDevice>& devices) {
  for (const compose::ThrottleDevice& each : devices) unit.text("", flag, each.path + ":" + std::to_string(each.rate));
}

void add_block_io(const compose::BlkioConfig& block, ContainerUnit& unit) {
  add_number(unit, "", "--blkio-weight", block.weight);
  for (const compose::WeightDevice& each : block.weight_device)
    unit.text("", "--blkio-weight-device", each.path + ":" + std::to_string(each.weight));
  add_throttles(unit, "--device-read-bps", block.device_read_bps);
  add_throttles(unit, "--device-read-iops", block.device_read_iops);
  add_throttles(unit, "--device-write-bps", block.device_write_bps);
  add_throttles(unit, "--device-write-iops", block.device_write_iops);
}

}  // namespace

void add_limits(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit) {
  const compose::Service& own = service.container;
  if (service.limits.cpus > 0) unit.text("", "--cpus", decimal(service.limits.cpus));
  add_number(unit, "", "--cpu-shares", own.cpu_shares);
  add_number(unit, "", "--cpu-period", own.cpu_period);
  add_number(unit, "", "--cpu-quota", own.cpu_quota);
  add_number(unit, "", "--cpu-rt-period", own.cpu_rt_period);
  add_number(unit, "", "--cpu-rt-runtime", own.cpu_rt_runtime);
  if (!own.cpuset.empty()) unit.text("", "--cpuset-cpus", own.cpuset);
  add_number(unit, "", "--memory", service.limits.memory);
  add_number(unit, "", "--memory-reservation", service.limits.memory_reservation);
  add_number(unit, "", "--memory-swap", own.memswap_limit);
  add_number(unit, "", "--memory-swappiness", own.mem_swappiness);
  add_number(unit, "PidsLimit", "--pids-limit", service.limits.pids);
  add_number(unit, "ShmSize", "--shm-size", own.shm_size);
  add_number(unit, "", "--oom-score-adj", own.oom_score_adj);
  if (own.oom_kill_disable) unit.on("", "--oom-kill-disable");
  for (const auto& [name, limit] : own.ulimits)
    unit.text("Ulimit", "--ulimit",
              name + "=" + std::to_string(limit.soft) + (limit.single ? "" : ":" + std::to_string(limit.hard)));
  const compose::Service& file = file_of(scope, service);
  if (file.blkio_config) add_block_io(*file.blkio_config, unit);
}

void add_devices(const project::DesiredService& service, ContainerUnit& unit) {
  for (const compose::Device& device : service.container.devices) {
    std::string text = device.source;
    const bool renamed = !device.target.empty() && device.target != device.source;
    const bool limited = !device.permissions.empty() && device.permissions != "rwm";
    if (renamed || limited) text += ":" + (renamed ? device.target : device.source);
    if (limited) text += ":" + device.permissions;
    unit.text("AddDevice", "--device", text);
  }
  for (const std::string& rule : service.container.device_cgroup_rules) unit.text("", "--device-cgroup-rule", rule);
}

}  // namespace consort::units

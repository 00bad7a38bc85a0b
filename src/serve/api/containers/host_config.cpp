#include "serve/api/containers/host_config.hpp"

#include "engine/hidden_paths.hpp"
#include "serve/api/containers/container_shape.hpp"
#include "serve/api/shapes.hpp"

namespace consort::serve {

namespace {

std::string restart_name(engine::RestartMode mode) {
  switch (mode) {
    case engine::RestartMode::no:
      return "no";
    case engine::RestartMode::on_failure:
      return "on-failure";
    case engine::RestartMode::always:
      return "always";
    case engine::RestartMode::unless_stopped:
      return "unless-stopped";
  }
  return "no";
}

// "lms_data:/var/lib/data:rw"
Json binds_of(const engine::ContainerDetails& container) {
  Json binds = Json::array();
  for (const engine::MountPoint& mount : container.mounts) {
    if (mount.anonymous || (mount.type != engine::MountType::bind && mount.type != engine::MountType::volume)) continue;
    const std::string& source = mount.type == engine::MountType::volume ? mount.name : mount.source;
    binds.push_back(source + ":" + mount.target + (mount.read_only ? ":ro" : ":rw"));
  }
  return binds.empty() ? Json(nullptr) : binds;
}

Json port_bindings(const engine::ContainerSpec& spec) {
  Json bindings = Json::object();
  for (const engine::PortBinding& port : spec.ports) {
    const std::string key = std::to_string(port.container_port) + "/" + port.protocol;
    std::string host_port = port.host_port == 0 ? "" : std::to_string(port.host_port);
    if (port.host_port_end > port.host_port) host_port += "-" + std::to_string(port.host_port_end);
    if (!bindings.contains(key)) bindings[key] = Json::array();
    bindings[key].push_back({{"HostIp", port.host_ip}, {"HostPort", host_port}});
  }
  return bindings;
}

Json block_devices(const std::vector<engine::BlkioDevice>& devices, const char* value_name) {
  Json rows = Json::array();
  for (const engine::BlkioDevice& device : devices) rows.push_back({{"Path", device.path}, {value_name, device.value}});
  return rows;
}

void add_resources(Json& config, const engine::ContainerSpec& spec) {
  const engine::Resources& r = spec.resources;
  config["CpuShares"] = r.cpu_shares;
  config["Memory"] = r.memory;
  config["NanoCpus"] = r.nano_cpus;
  config["CgroupParent"] = spec.cgroup_parent;
  config["BlkioWeight"] = r.blkio_weight;
  config["BlkioWeightDevice"] = block_devices(r.blkio_weight_device, "Weight");
  config["BlkioDeviceReadBps"] = block_devices(r.blkio_read_bps, "Rate");
  config["BlkioDeviceWriteBps"] = block_devices(r.blkio_write_bps, "Rate");
  config["BlkioDeviceReadIOps"] = block_devices(r.blkio_read_iops, "Rate");
  config["BlkioDeviceWriteIOps"] = block_devices(r.blkio_write_iops, "Rate");
  config["CpuPeriod"] = r.cpu_period;
  config["CpuQuota"] = r.cpu_quota;
  config["CpuRealtimePeriod"] = r.cpu_rt_period;
  config["CpuRealtimeRuntime"] = r.cpu_rt_runtime;
  config["CpusetCpus"] = r.cpuset_cpus;
  config["CpusetMems"] = r.cpuset_mems;
  Json devices = Json::array();
  for (const engine::DeviceSpec& device : spec.devices)
    devices.push_back({{"PathOnHost", device.host_path},
                       {"PathInContainer", device.container_path.empty() ? device.host_path : device.container_path},
                       {"CgroupPermissions", device.permissions}});
  config["Devices"] = std::move(devices);
  config["DeviceCgroupRules"] = or_null(spec.device_cgroup_rules);
  config["DeviceRequests"] = nullptr;
  config["MemoryReservation"] = r.memory_reservation;
  config["MemorySwap"] = r.memory_swap;
  config["MemorySwappiness"] = r.memory_swappiness ? Json(*r.memory_swappiness) : Json(nullptr);
  config["OomKillDisable"] = r.oom_kill_disable ? Json(true) : Json(nullptr);
  config["PidsLimit"] = r.pids_limit ? Json(*r.pids_limit) : Json(nullptr);
  Json ulimits = Json::array();
  for (const engine::Ulimit& limit : spec.ulimits)
    ulimits.push_back({{"Name", limit.name}, {"Hard", limit.hard}, {"Soft", limit.soft}});
  config["Ulimits"] = std::move(ulimits);
  config["CpuCount"] = 0;
  config["CpuPercent"] = 0;
  config["IOMaximumIOps"] = 0;
  config["IOMaximumBandwidth"] = 0;
}

void add_names(Json& config, const engine::ContainerSpec& spec) {
  config["Dns"] = strings_of(spec.dns);
  config["DnsOptions"] = strings_of(spec.dns_opt);
  config["DnsSearch"] = strings_of(spec.dns_search);
  Json hosts = Json::array();
  for (const engine::HostEntry& entry : spec.extra_hosts) hosts.push_back(entry.name + ":" + entry.address);
  config["ExtraHosts"] = hosts.empty() ? Json(nullptr) : hosts;
  config["GroupAdd"] = or_null(spec.group_add);
  config["Links"] = or_null(spec.links);
}

constexpr std::uint64_t default_shm_size = std::uint64_t{64} << 20;

}  // namespace

Json host_config(const engine::ContainerDetails& container) {
  const engine::ContainerSpec& spec = container.spec;
  Json config{
      {"Binds", binds_of(container)},
      {"ContainerIDFile", ""},
      {"LogConfig",
       {{"Type", spec.log.driver.empty() ? "json-file" : spec.log.driver}, {"Config", map_of(spec.log.options)}}},
      {"NetworkMode", network_mode(container)},
      {"PortBindings", port_bindings(spec)},
      {"RestartPolicy", {{"Name", restart_name(spec.restart.mode)}, {"MaximumRetryCount", spec.restart.max_retries}}},
      {"AutoRemove", spec.auto_remove},
      {"VolumeDriver", ""},
      {"VolumesFrom", nullptr},
      {"ConsoleSize", {0, 0}},
      {"CapAdd", or_null(spec.cap_add)},
      {"CapDrop", or_null(spec.cap_drop)},
      {"CgroupnsMode", spec.cgroup_mode.empty() ? "private" : spec.cgroup_mode}};
  add_names(config, spec);
  config["IpcMode"] = spec.ipc_mode.empty() ? "private" : spec.ipc_mode;
  config["Cgroup"] = "";
  config["OomScoreAdj"] = spec.oom_score_adj;
  config["PidMode"] = spec.pid_mode;
  config["Privileged"] = spec.privileged;
  config["PublishAllPorts"] = false;
  config["ReadonlyRootfs"] = spec.read_only;
  config["SecurityOpt"] = or_null(spec.security_opt);
  if (!spec.storage_opt.empty()) config["StorageOpt"] = map_of(spec.storage_opt);
  if (!spec.tmpfs.empty()) config["Tmpfs"] = map_of(spec.tmpfs);
  config["UTSMode"] = spec.uts_mode;
  config["UsernsMode"] = spec.userns_mode;
  config["ShmSize"] = spec.shm_size.value_or(default_shm_size);
  if (!spec.sysctls.empty()) config["Sysctls"] = map_of(spec.sysctls);
  config["Runtime"] = spec.runtime.empty() ? "consort" : spec.runtime;
  config["Isolation"] = "";
  add_resources(config, spec);
  if (spec.init) config["Init"] = *spec.init;
  if (!spec.annotations.empty()) config["Annotations"] = map_of(spec.annotations);
  config["MaskedPaths"] = or_null(engine::masked_paths(spec));
  config["ReadonlyPaths"] = or_null(engine::readonly_paths(spec));
  return config;
}

}  // namespace consort::serve

// Restart policy, ports, health check, limits and networks of a service, each on its own.
#include <algorithm>
#include <cmath>

#include "base/narrow.hpp"
#include "project/plan/container_spec.hpp"

namespace consort::project {

namespace {

std::vector<engine::BlkioDevice> throttles(const std::vector<compose::ThrottleDevice>& devices) {
  std::vector<engine::BlkioDevice> result;
  for (const compose::ThrottleDevice& device : devices)
    result.push_back({device.path, static_cast<std::uint64_t>(std::max<std::int64_t>(0, device.rate))});
  return result;
}

void add_blkio(const compose::BlkioConfig& config, engine::Resources& resources) {
  resources.blkio_weight = config.weight;
  for (const compose::WeightDevice& device : config.weight_device)
    resources.blkio_weight_device.push_back({device.path, device.weight});
  resources.blkio_read_bps = throttles(config.device_read_bps);
  resources.blkio_read_iops = throttles(config.device_read_iops);
  resources.blkio_write_bps = throttles(config.device_write_bps);
  resources.blkio_write_iops = throttles(config.device_write_iops);
}

std::int64_t nano_cpus(double cpus) {
  return saturated<std::int64_t>(std::round(cpus * 1e9));
}

}  // namespace

engine::RestartPolicy restart_policy(const DesiredRestart& restart) {
  engine::RestartPolicy policy{.mode = engine::RestartMode::no, .max_retries = restart.most_times};
  switch (restart.when) {
    case RestartWhen::never:
      break;
    case RestartWhen::on_failure:
      policy.mode = engine::RestartMode::on_failure;
      break;
    case RestartWhen::always:
      policy.mode = engine::RestartMode::always;
      break;
    case RestartWhen::unless_stopped:
      policy.mode = engine::RestartMode::unless_stopped;
      break;
  }
  return policy;
}

std::vector<engine::PortBinding> port_bindings(const std::vector<DesiredPort>& ports) {
  std::vector<engine::PortBinding> bindings;
  for (const DesiredPort& port : ports)
    bindings.push_back({.host_ip = port.host_ip,
                        .host_port = port.host_first,
                        .host_port_end = port.host_last,
                        .container_port = port.container,
                        .protocol = port.protocol});
  return bindings;
}

engine::HealthSpec health_spec(const compose::HealthCheck& check) {
  engine::HealthSpec spec;
  if (check.disable) {
    spec.test = engine::Strings{"NONE"};
  } else if (!check.test.empty()) {
    spec.test = check.test;
  }
  spec.interval = check.interval;
  spec.timeout = check.timeout;
  spec.start_period = check.start_period;
  spec.start_interval = check.start_interval;
  if (check.retries) spec.retries = saturated<unsigned>(*check.retries);
  return spec;
}

engine::Resources resources(const DesiredService& wanted) {
  const compose::Service& service = wanted.container;
  engine::Resources result;
  result.memory = wanted.limits.memory;
  result.memory_swap = service.memswap_limit;
  result.memory_reservation = wanted.limits.memory_reservation;
  if (service.mem_swappiness != 0) result.memory_swappiness = service.mem_swappiness;
  result.nano_cpus = nano_cpus(wanted.limits.cpus);
  result.cpu_shares = service.cpu_shares;
  result.cpu_period = service.cpu_period;
  result.cpu_quota = service.cpu_quota;
  result.cpu_rt_period = service.cpu_rt_period;
  result.cpu_rt_runtime = service.cpu_rt_runtime;
  result.cpu_count = service.cpu_count;
  result.cpu_percent = saturated<std::int64_t>(service.cpu_percent);
  result.cpuset_cpus = service.cpuset;
  if (wanted.limits.pids != 0) result.pids_limit = wanted.limits.pids;
  result.oom_kill_disable = service.oom_kill_disable;
  if (service.blkio_config) add_blkio(*service.blkio_config, result);
  return result;
}

std::vector<engine::EndpointSpec> endpoint_specs(const DesiredService& service, const std::string& container) {
  std::vector<engine::EndpointSpec> endpoints;
  for (const DesiredNetwork& network : service.networks) {
    const compose::NetworkAttachment& how = network.how;
    engine::EndpointSpec endpoint;
    endpoint.network = network.name;
    endpoint.aliases = {container, service.name};
    for (const std::string& alias : how.aliases)
      if (std::ranges::find(endpoint.aliases, alias) == endpoint.aliases.end()) endpoint.aliases.push_back(alias);
    endpoint.ipv4 = how.ipv4_address;
    endpoint.ipv6 = how.ipv6_address;
    endpoint.link_local_ips = how.link_local_ips;
    endpoint.mac_address = how.mac_address;
    endpoint.priority = saturated<int>(how.priority);
    endpoint.gw_priority = saturated<int>(how.gw_priority);
    endpoint.driver_opts = how.driver_opts;
    endpoint.interface_name = how.interface_name;
    endpoints.push_back(std::move(endpoint));
  }
  return endpoints;
}

}  // namespace consort::project

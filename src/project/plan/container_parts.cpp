// Restart policy, ports, health check, limits and networks of a service, each on its own.
#include <algorithm>
#include <cmath>

#include "base/strings.hpp"
#include "project/plan/container_spec.hpp"

namespace consort::project {

namespace {

Result<engine::RestartPolicy> parse_restart(const compose::Service& service) {
  const std::size_t colon = service.restart.find(':');
  const std::string name = service.restart.substr(0, colon);
  engine::RestartPolicy policy;
  // What is not a number is none to Docker Compose; config warns of it. The engine says with which policy one may
  // stand.
  if (colon != std::string::npos)
    policy.max_retries =
        static_cast<unsigned>(parse_unsigned(std::string_view(service.restart).substr(colon + 1)).value_or(0));
  if (name.empty() || name == "no") return policy;
  using Mode = engine::RestartMode;
  for (const auto& [word, mode] : {std::pair("always", Mode::always), std::pair("unless-stopped", Mode::unless_stopped),
                                   std::pair("on-failure", Mode::on_failure)}) {
    if (name != word) continue;
    policy.mode = mode;
    return policy;
  }
  return fail(Error(Code::invalid, "invalid restart policy: unknown policy '" + name +
                                       "'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'")
                  .at(service.mark));
}

Result<std::uint16_t> parse_port(std::string_view text) {
  const auto number = parse_unsigned(text);
  if (!number || *number > 65535) return fail(Code::invalid, "Invalid hostPort: " + std::string(text));
  return static_cast<std::uint16_t>(*number);
}

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
  return static_cast<std::int64_t>(std::llround(cpus * 1e9));
}

}  // namespace

Result<engine::RestartPolicy> restart_policy(const compose::Service& service) {
  if (!service.deploy || !service.deploy->restart_policy) return parse_restart(service);
  const compose::RestartPolicy& wanted = *service.deploy->restart_policy;
  engine::RestartPolicy policy;
  if (wanted.condition == "on-failure") {
    policy.mode = engine::RestartMode::on_failure;
    policy.max_retries = static_cast<unsigned>(wanted.max_attempts.value_or(0));
  } else if (wanted.condition == "any") {
    policy.mode = engine::RestartMode::always;
  }
  return policy;
}

Result<std::vector<engine::PortBinding>> port_bindings(const std::vector<compose::Port>& ports) {
  std::vector<engine::PortBinding> bindings;
  for (const compose::Port& port : ports) {
    engine::PortBinding binding;
    binding.host_ip = port.host_ip;
    binding.container_port = static_cast<std::uint16_t>(port.target);
    binding.protocol = port.protocol.empty() ? "tcp" : port.protocol;
    if (!port.published.empty()) {
      const std::size_t dash = port.published.find('-');
      binding.host_port = TRY(parse_port(std::string_view(port.published).substr(0, dash)));
      if (dash != std::string::npos)
        binding.host_port_end = TRY(parse_port(std::string_view(port.published).substr(dash + 1)));
    }
    bindings.push_back(std::move(binding));
  }
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
  if (check.retries) spec.retries = static_cast<unsigned>(*check.retries);
  return spec;
}

engine::Resources resources(const compose::Service& service) {
  engine::Resources result;
  result.memory = service.mem_limit;
  result.memory_swap = service.memswap_limit;
  result.memory_reservation = service.mem_reservation;
  if (service.mem_swappiness != 0) result.memory_swappiness = service.mem_swappiness;
  result.nano_cpus = nano_cpus(static_cast<double>(service.cpus));
  result.cpu_shares = service.cpu_shares;
  result.cpu_period = service.cpu_period;
  result.cpu_quota = service.cpu_quota;
  result.cpu_rt_period = service.cpu_rt_period;
  result.cpu_rt_runtime = service.cpu_rt_runtime;
  result.cpu_count = service.cpu_count;
  result.cpu_percent = static_cast<std::int64_t>(service.cpu_percent);
  result.cpuset_cpus = service.cpuset;
  if (service.pids_limit != 0) result.pids_limit = service.pids_limit;
  result.oom_kill_disable = service.oom_kill_disable;
  if (service.blkio_config) add_blkio(*service.blkio_config, result);
  if (!service.deploy) return result;
  if (const auto& limits = service.deploy->resources.limits) {
    if (limits->memory) result.memory = limits->memory;
    if (limits->cpus > 0) result.nano_cpus = nano_cpus(limits->cpus);
    if (limits->pids) result.pids_limit = limits->pids;
  }
  if (const auto& reserved = service.deploy->resources.reservations; reserved && reserved->memory)
    result.memory_reservation = reserved->memory;
  return result;
}

std::vector<engine::EndpointSpec> endpoint_specs(const compose::Project& project, const compose::Service& service,
                                                 const std::string& container) {
  std::vector<std::pair<std::string, const compose::NetworkAttachment*>> wanted;
  const compose::NetworkAttachment plain;
  for (const auto& [key, attachment] : service.networks) wanted.emplace_back(key, &attachment);
  if (wanted.empty() && project.networks.contains("default")) wanted.emplace_back("default", &plain);
  // The highest priority comes first; equal ones by name.
  std::ranges::stable_sort(wanted,
                           [](const auto& a, const auto& b) { return a.second->priority > b.second->priority; });
  std::vector<engine::EndpointSpec> endpoints;
  for (const auto& [key, attachment] : wanted) {
    const auto network = project.networks.find(key);
    if (network == project.networks.end()) continue;
    engine::EndpointSpec endpoint;
    endpoint.network = network->second.name;
    endpoint.aliases = {container, service.name};
    for (const std::string& alias : attachment->aliases)
      if (std::ranges::find(endpoint.aliases, alias) == endpoint.aliases.end()) endpoint.aliases.push_back(alias);
    endpoint.ipv4 = attachment->ipv4_address;
    endpoint.ipv6 = attachment->ipv6_address;
    endpoint.link_local_ips = attachment->link_local_ips;
    endpoint.mac_address = attachment->mac_address;
    if (endpoint.mac_address.empty() && endpoints.empty()) endpoint.mac_address = service.mac_address;
    endpoint.priority = static_cast<int>(attachment->priority);
    endpoint.gw_priority = static_cast<int>(attachment->gw_priority);
    endpoint.driver_opts = attachment->driver_opts;
    endpoint.interface_name = attachment->interface_name;
    endpoints.push_back(std::move(endpoint));
  }
  return endpoints;
}

}  // namespace consort::project

#include "project/desired/desired.hpp"

#include <algorithm>

#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "project/desired/parts.hpp"
#include "project/desired/places.hpp"
#include "project/plan/graph.hpp"
#include "project/plan/names.hpp"

namespace consort::project {

namespace {

Result<DesiredRestart> parse_restart(const compose::Service& service) {
  const std::size_t colon = service.restart.find(':');
  const std::string name = service.restart.substr(0, colon);
  DesiredRestart restart;
  // Docker Compose ignores anything that is not a number, and `config` warns about it. The engine reports a policy that
  // does not allow a number.
  if (colon != std::string::npos)
    restart.most_times =
        saturated<unsigned>(parse_unsigned(std::string_view(service.restart).substr(colon + 1)).value_or(0));
  if (name.empty() || name == "no") return restart;
  using enum RestartWhen;
  for (const auto& [word, when] : {std::pair("always", always), std::pair("unless-stopped", unless_stopped),
                                   std::pair("on-failure", on_failure)}) {
    if (name != word) continue;
    restart.when = when;
    return restart;
  }
  return fail(Error(Code::invalid, "invalid restart policy: unknown policy '" + name +
                                       "'; use one of 'no', 'always', 'on-failure', or 'unless-stopped'")
                  .about(Subject::setting, "restart"));
}

// The deploy section's policy overrides the service's own.
Result<DesiredRestart> restart_of(const compose::Service& service) {
  const std::optional<compose::RestartPolicy> deployed = service.deploy ? service.deploy->restart_policy : std::nullopt;
  if (!deployed) return parse_restart(service);
  const compose::RestartPolicy& wanted = *deployed;
  if (wanted.condition == "on-failure")
    return DesiredRestart{RestartWhen::on_failure, saturated<unsigned>(wanted.max_attempts.value_or(0))};
  if (wanted.condition == "any" && wanted.max_attempts.value_or(0) > 0)
    return fail(Error(Code::invalid, "invalid restart policy: maximum retry count can only be used with 'on-failure'")
                    .hint("use `condition: on-failure`, or leave out `max_attempts`")
                    .about(Subject::setting, "deploy/restart_policy"));
  return DesiredRestart{wanted.condition == "any" ? RestartWhen::always : RestartWhen::never};
}

Result<std::uint16_t> parse_port(std::string_view text) {
  const auto number = parse_unsigned(text);
  if (!number || *number > 65535)
    return fail(Error(Code::invalid, "Invalid hostPort: " + std::string(text)).about(Subject::setting, "ports"));
  return static_cast<std::uint16_t>(*number);
}

Result<std::vector<DesiredPort>> ports_of(const compose::Service& service) {
  std::vector<DesiredPort> ports;
  for (const compose::Port& port : service.ports) {
    const auto container = fitting<std::uint16_t>(port.target);
    if (!container)
      return fail(Error(Code::invalid, "Invalid containerPort: " + std::to_string(port.target)).at(service.mark));
    DesiredPort wanted{
        .host_ip = port.host_ip, .container = *container, .protocol = port.protocol.empty() ? "tcp" : port.protocol};
    if (!port.published.empty()) {
      const std::size_t dash = port.published.find('-');
      wanted.host_first = TRY(parse_port(std::string_view(port.published).substr(0, dash)));
      if (dash != std::string::npos)
        wanted.host_last = TRY(parse_port(std::string_view(port.published).substr(dash + 1)));
    }
    ports.push_back(std::move(wanted));
  }
  return ports;
}

DesiredLimits limits_of(const compose::Service& service) {
  DesiredLimits limits{.cpus = static_cast<double>(service.cpus),
                       .memory = service.mem_limit,
                       .memory_reservation = service.mem_reservation,
                       .pids = service.pids_limit};
  if (!service.deploy) return limits;
  if (const auto& most = service.deploy->resources.limits) {
    if (most->memory) limits.memory = most->memory;
    if (most->cpus > 0) limits.cpus = most->cpus;
    if (most->pids) limits.pids = most->pids;
  }
  if (const auto& reserved = service.deploy->resources.reservations; reserved && reserved->memory)
    limits.memory_reservation = reserved->memory;
  return limits;
}

std::vector<compose::DeviceRequest> devices_of(const compose::Service& service) {
  std::vector<compose::DeviceRequest> devices = service.gpus;
  if (!service.deploy) return devices;
  if (const auto& reserved = service.deploy->resources.reservations)
    devices.insert(devices.end(), reserved->devices.begin(), reserved->devices.end());
  return devices;
}

// Adds the position in the file to an error.
template <typename T>
Result<T> placed(const compose::Project& project, const compose::Service& service, Result<T> result) {
  if (result || result.error().mark()) return result;
  Mark place = locate_cause(project, service, result.error());
  return fail(std::move(result).error().at(std::move(place)));
}

// Removes the attributes that DesiredService has fields for.
compose::Service without_what_is_said(compose::Service service) {
  service.build.reset();
  service.configs.clear();
  service.container_name.clear();
  service.cpus = 0;
  service.depends_on.clear();
  service.deploy.reset();
  service.gpus.clear();
  service.healthcheck.reset();
  service.image.clear();
  service.mac_address.clear();
  service.mem_limit = service.mem_reservation = service.pids_limit = 0;
  service.networks.clear();
  service.platform.clear();
  service.ports.clear();
  service.pre_start.clear();
  service.post_start.clear();
  service.pre_stop.clear();
  service.pull_policy.clear();
  service.restart.clear();
  service.scale.reset();
  service.secrets.clear();
  service.volumes.clear();
  return service;
}

}  // namespace

std::vector<DesiredNetwork> networks_of(const compose::Project& project, const compose::Service& service) {
  if (!service.network_mode.empty()) return {};
  std::vector<DesiredNetwork> networks;
  const auto add = [&](const std::string& key, const compose::NetworkAttachment& how) {
    if (const auto found = project.networks.find(key); found != project.networks.end())
      networks.push_back({key, found->second.name, how});
  };
  for (const auto& [key, attachment] : service.networks) add(key, attachment);
  if (service.networks.empty()) add("default", {});
  // Highest priority first; networks of equal priority by name.
  std::ranges::stable_sort(networks, std::ranges::greater{},
                           [](const DesiredNetwork& each) { return each.how.priority; });
  if (!networks.empty() && networks.front().how.mac_address.empty())
    networks.front().how.mac_address = service.mac_address;
  return networks;
}

Result<unsigned> desired_replicas(const compose::Service& service, const DesiredOptions& options) {
  if (service.provider) return 0;  // an external program runs it
  const auto asked = options.scale.find(service.name);
  const unsigned wanted =
      asked != options.scale.end() ? asked->second : static_cast<unsigned>(std::max(0, service.replicas()));
  if (wanted > 1 && !service.container_name.empty() && !options.shared_names)
    return fail(Error(Code::invalid, "the \"" + service.name + "\" service is using the custom container name \"" +
                                         service.container_name + "\", and each container needs a unique name")
                    .hint("remove container_name to scale the service")
                    .about(Subject::setting, "container_name"));
  return wanted;
}

Result<DesiredService> desired_service(const compose::Project& project, const compose::Service& service) {
  DesiredService wanted;
  wanted.name = service.name;
  wanted.mark = service.mark;
  wanted.replicas = static_cast<unsigned>(std::max(0, service.replicas()));
  wanted.container_name = service.container_name;
  wanted.image = {.name = image_name(project, service),
                  .platform = service.platform,
                  .pull_policy = service.pull_policy,
                  .built = service.build.has_value()};
  wanted.dependencies = service.depends_on;
  wanted.networks = networks_of(project, service);
  wanted.mounts = mounts_of(project, service);
  wanted.files = TRY(files_of(project, service));
  wanted.ports = TRY(placed(project, service, ports_of(service)));
  wanted.restart = TRY(placed(project, service, restart_of(service)));
  wanted.health = service.healthcheck;
  wanted.limits = limits_of(service);
  wanted.devices = devices_of(service);
  wanted.pre_start = service.pre_start;
  wanted.post_start = service.post_start;
  wanted.pre_stop = service.pre_stop;
  wanted.config_hash = config_hash(project, service);
  wanted.container = without_what_is_said(service);
  return wanted;
}

Result<DesiredProject> desired_state(const compose::Project& project, const DesiredOptions& options) {
  DesiredProject wanted{.name = project.name, .services = {}, .networks = project.networks, .volumes = project.volumes};
  for (const std::string& name : ServiceGraph::of(project).order()) {
    const compose::Service& service = project.services.at(name);
    const unsigned replicas = TRY(placed(project, service, desired_replicas(service, options)));
    wanted.services.push_back(TRY(desired_service(project, service)));
    wanted.services.back().replicas = replicas;
  }
  return wanted;
}

bool is_awaited(const DesiredProject& project, const std::string& service, compose::DependencyCondition condition) {
  return std::ranges::any_of(project.services, [&](const DesiredService& each) {
    const auto found = each.dependencies.find(service);
    return found != each.dependencies.end() && found->second.condition == condition;
  });
}

}  // namespace consort::project

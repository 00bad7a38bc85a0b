#include "project/plan/container_spec.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/narrow.hpp"
#include "base/os/files/file.hpp"
#include "base/os/files/plain_file.hpp"
#include "base/strings.hpp"
#include "base/version.hpp"
#include "project/desired/places.hpp"
#include "project/plan/provided.hpp"

namespace consort::project {

namespace {

using compose::Project;
using compose::Service;
using engine::Strings;

// "service:x" refers to the first container of x; everything else is passed on.
std::string sharing_mode(const Project& project, const std::string& mode, std::string_view separator) {
  constexpr std::string_view prefix = "service:";
  if (!mode.starts_with(prefix)) return mode;
  const std::string name = mode.substr(prefix.size());
  const auto found = project.services.find(name);
  return "container:" + (found == project.services.end()
                             ? project.name + std::string(separator) + name + std::string(separator) + "1"
                             : container_name(project, found->second, 1, separator));
}

void add_labels(const Project& project, const DesiredService& service, const ReplicaOptions& options,
                engine::ContainerSpec& spec) {
  spec.labels = service.container.labels;
  spec.labels[label::project] = project.name;
  spec.labels[label::service] = service.name;
  spec.labels[label::version] = compose_version;
  spec.labels[label::config_hash] = service.config_hash;
  spec.labels[label::number] = std::to_string(options.number);
  spec.labels[label::oneoff] = "False";
  spec.labels[label::working_dir] = project.working_directory;
  spec.labels[label::config_files] = join(project.compose_files, ",");
  spec.labels[label::depends_on] = format_depends_on(service.dependencies);
  if (!options.env_files.empty()) spec.labels[label::environment_file] = join(options.env_files, ",");
  if (!options.image_id.empty()) spec.labels[label::image] = options.image_id;
}

void add_process(const Service& service, engine::ContainerSpec& spec) {
  spec.entrypoint = service.entrypoint;
  spec.command = service.command;
  for (const auto& [key, value] : service.environment) spec.environment.push_back(value ? key + "=" + *value : key);
  spec.working_dir = service.working_dir;
  spec.user = service.user;
  spec.group_add = service.group_add;
  spec.hostname = service.hostname;
  spec.domainname = service.domainname;
  spec.annotations = service.annotations;
  spec.stop_signal = service.stop_signal;
  if (service.stop_grace_period)  // the sub-second part is dropped, as in other engines
    spec.stop_timeout = std::chrono::floor<std::chrono::seconds>(*service.stop_grace_period);
  spec.tty = service.tty;
  spec.open_stdin = service.stdin_open;
  spec.init = service.init;
}

// Variables set by providers and models win over the file, as in Docker Compose.
void add_provided(const compose::StringMap* provided, engine::ContainerSpec& spec) {
  if (!provided || provided->empty()) return;
  for (const auto& [key, value] : *provided) {
    std::erase_if(spec.environment, [&](const std::string& entry) { return entry.substr(0, entry.find('=')) == key; });
    spec.environment.push_back(key + "=" + value);
  }
  spec.labels[label::provided] = digest_of_provided(*provided);
}

Strings linked_containers(const Project& project, const Service& service, std::string_view separator) {
  Strings links;
  for (const std::string& link : service.links) {
    const std::size_t colon = link.find(':');
    const std::string name = link.substr(0, colon);
    const std::string alias = colon == std::string::npos ? name : link.substr(colon + 1);
    const auto found = project.services.find(name);
    if (found == project.services.end()) continue;
    for (int number = 1; number <= std::max(1, found->second.replicas()); ++number)
      links.push_back(container_name(project, found->second, static_cast<unsigned>(number), separator) + ":" + alias);
  }
  for (const std::string& link : service.external_links) links.push_back(link);
  return links;
}

void add_network(const Project& project, const DesiredService& wanted, std::string_view separator,
                 engine::ContainerSpec& spec) {
  const Service& service = wanted.container;
  if (service.network_mode.empty()) {
    spec.networks = endpoint_specs(wanted, spec.name);
  } else if (service.network_mode != "bridge" && service.network_mode != "default") {
    spec.network_mode = sharing_mode(project, service.network_mode, separator);
  }
  spec.expose = service.expose;
  spec.links = linked_containers(project, service, separator);
  for (const auto& [name, addresses] : service.extra_hosts)
    for (const std::string& address : addresses) spec.extra_hosts.push_back({name, address});
  spec.dns = service.dns;
  spec.dns_search = service.dns_search;
  spec.dns_opt = service.dns_opt;
}

// A seccomp profile is a file next to the Compose file; the engine takes its content.
Result<std::string> security_option(const Project& project, const Service& service, const std::string& option) {
  const std::size_t at = option.find_first_of("=:");
  const std::string value = at == std::string::npos ? std::string() : option.substr(at + 1);
  if (option.substr(0, at) != "seccomp" || value == "unconfined" || value == "builtin") return option;
  constexpr std::size_t largest_profile = std::size_t{1} << 20;
  const std::string problem = "opening seccomp profile (" + value + ") failed";
  const Mark place = locate_setting(project, service, "security_opt/" + option);
  const auto text = read_plain_file(join_path(project.working_directory, value), largest_profile);
  if (!text) return fail(Error(Code::invalid, problem + ": " + text.error().message()).at(place));
  const auto profile = parse_json(*text, value);
  if (!profile) return fail(Error(Code::invalid, problem + ": " + profile.error().message()).at(place));
  return "seccomp=" + dump_json(*profile);
}

Result<> add_privileges(const Project& project, const Service& service, std::string_view separator,
                        engine::ContainerSpec& spec) {
  for (const std::string& option : service.security_opt)
    spec.security_opt.push_back(TRY(security_option(project, service, option)));
  spec.privileged = service.privileged;
  spec.cap_add = service.cap_add;
  spec.cap_drop = service.cap_drop;
  for (const compose::Device& device : service.devices)
    spec.devices.push_back({device.source, device.target, device.permissions.empty() ? "rwm" : device.permissions});
  spec.device_cgroup_rules = service.device_cgroup_rules;
  spec.sysctls = service.sysctls;
  spec.read_only = service.read_only;
  spec.pid_mode = sharing_mode(project, service.pid, separator);
  spec.ipc_mode = sharing_mode(project, service.ipc, separator);
  spec.uts_mode = service.uts;
  spec.cgroup_mode = service.cgroup;
  spec.userns_mode = service.userns_mode;
  spec.cgroup_parent = service.cgroup_parent;
  spec.isolation = service.isolation;
  spec.runtime = service.runtime;
  return {};
}

void add_device_requests(const std::vector<compose::DeviceRequest>& requests, engine::ContainerSpec& spec) {
  for (const compose::DeviceRequest& request : requests)
    spec.device_requests.push_back((request.driver.empty() ? "gpu" : request.driver) +
                                   (request.device_ids.empty() ? "" : " " + join(request.device_ids, ",")));
}

void add_limits(const DesiredService& wanted, engine::ContainerSpec& spec) {
  const Service& service = wanted.container;
  spec.resources = resources(wanted);
  for (const auto& [name, limit] : service.ulimits) spec.ulimits.push_back({name, limit.soft, limit.hard});
  if (service.shm_size > 0) spec.shm_size = static_cast<std::uint64_t>(service.shm_size);
  spec.oom_score_adj = saturated<int>(service.oom_score_adj);
  spec.storage_opt = service.storage_opt;
  add_device_requests(wanted.devices, spec);
  if (service.logging) spec.log = {service.logging->driver, service.logging->options};
}

Strings volumes_from(const Project& project, const Service& service, std::string_view separator) {
  Strings donors;
  for (const std::string& entry : service.volumes_from) {
    if (entry.starts_with("container:")) {
      donors.push_back(entry.substr(std::string_view("container:").size()));
      continue;
    }
    const std::size_t colon = entry.find(':');
    // With --no-deps the lender is not selected, but has its container.
    const std::string lender = entry.substr(0, colon);
    const auto found = project.services.find(lender);
    const auto other = project.disabled_services.find(lender);
    if (found == project.services.end() && other == project.disabled_services.end()) continue;
    const Service& from = found != project.services.end() ? found->second : other->second;
    donors.push_back(container_name(project, from, 1, separator) +
                     (colon == std::string::npos ? "" : entry.substr(colon)));
  }
  return donors;
}

void add_tmpfs(const Service& service, engine::ContainerSpec& spec) {
  for (const std::string& entry : service.tmpfs) {
    const std::size_t colon = entry.find(':');
    spec.tmpfs[entry.substr(0, colon)] = colon == std::string::npos ? "" : entry.substr(colon + 1);
  }
}

}  // namespace

Result<engine::ContainerSpec> container_spec(const Project& project, const Service& service,
                                             const ReplicaOptions& options) {
  const DesiredService wanted = TRY(desired_service(project, service));
  engine::ContainerSpec spec;
  spec.name = container_name(project, service, options.number, options.separator);
  spec.project = project.name;
  spec.service = wanted.name;
  spec.number = options.number;
  spec.image = wanted.image.name;
  spec.image_id = options.image_id;
  spec.platform = wanted.image.platform;
  add_labels(project, wanted, options, spec);
  add_process(wanted.container, spec);
  add_provided(options.provided, spec);
  if (wanted.health && wanted.health->start_interval && !wanted.health->start_period)
    return fail(Error(Code::invalid, "healthcheck.start_interval requires healthcheck.start_period to be set")
                    .at(project.locate({"services", service.name, "healthcheck", "start_interval"})));
  if (wanted.health) spec.health = health_spec(*wanted.health);
  spec.mounts = TRY(mount_specs(project, service, wanted));
  spec.files = TRY(file_contents(wanted));
  add_tmpfs(wanted.container, spec);
  spec.volumes_from = volumes_from(project, wanted.container, options.separator);
  add_network(project, wanted, options.separator, spec);
  spec.ports = port_bindings(wanted.ports);
  spec.restart = restart_policy(wanted.restart);
  TRY(add_privileges(project, wanted.container, options.separator, spec));
  add_limits(wanted, spec);
  return spec;
}

}  // namespace consort::project

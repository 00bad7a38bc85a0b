#include "cli/render/generated_file.hpp"

#include <algorithm>

#include "base/strings.hpp"
#include "base/time.hpp"
#include "project/plan/names.hpp"

namespace consort::cli {

namespace {

using engine::ContainerDetails;
using engine::ContainerSpec;

std::string label_of(const engine::StringMap& labels, const char* key, const std::string& fallback) {
  const auto found = labels.find(key);
  return found == labels.end() || found->second.empty() ? fallback : found->second;
}

// Unset values are left out of the file.
template <typename Value>
void put_set(Json& into, const char* key, const Value& value) {
  if (value != Value()) into[key] = value;
}

std::string key_of(const std::string& name, const engine::StringMap* labels, const char* label) {
  return labels ? label_of(*labels, label, name) : name;
}

class GeneratedService {
 public:
  GeneratedService(const ContainerDetails& container, GeneratedFile& file, Json& networks, Json& volumes)
      : container_(container), spec_(container.spec), file_(file), networks_(networks), volumes_(volumes) {}

  Json write() {
    put_set(made_, "image", spec_.image);
    process();
    labels();
    mounts();
    network();
    ports();
    health();
    rights();
    resources();
    dependencies();
    if (!spec_.files.empty())
      file_.notes.push_back("configs and secrets of container " + container_.name +
                            " are left out: their content is not shown");
    return std::move(made_);
  }

 private:
  void process() {
    if (spec_.entrypoint) made_["entrypoint"] = *spec_.entrypoint;
    if (spec_.command) made_["command"] = *spec_.command;
    put_set(made_, "user", spec_.user);
    put_set(made_, "working_dir", spec_.working_dir);
    put_set(made_, "hostname", spec_.hostname);
    put_set(made_, "platform", spec_.platform);
    put_set(made_, "tty", spec_.tty);
    put_set(made_, "stdin_open", spec_.open_stdin);
    if (spec_.init) made_["init"] = *spec_.init;
    put_set(made_, "stop_signal", spec_.stop_signal);
    if (spec_.stop_timeout) made_["stop_grace_period"] = format_duration(*spec_.stop_timeout);
    for (const std::string& entry : spec_.environment) {
      const std::size_t equals = entry.find('=');
      made_["environment"][entry.substr(0, equals)] =
          equals == std::string::npos ? Json() : Json(entry.substr(equals + 1));
    }
    const engine::RestartPolicy& restart = spec_.restart;
    if (restart.mode == engine::RestartMode::always) made_["restart"] = "always";
    if (restart.mode == engine::RestartMode::unless_stopped) made_["restart"] = "unless-stopped";
    if (restart.mode == engine::RestartMode::on_failure)
      made_["restart"] = "on-failure" + (restart.max_retries ? ":" + std::to_string(restart.max_retries) : "");
    put_set(made_["logging"], "driver", spec_.log.driver);
    put_set(made_["logging"], "options", spec_.log.options);
    if (made_["logging"].empty()) made_.erase("logging");
  }

  void labels() {
    for (const auto& [key, value] : spec_.labels)
      if (!key.starts_with("com.docker.compose.") && !key.starts_with("dev.consort.")) made_["labels"][key] = value;
    put_set(made_, "annotations", spec_.annotations);
  }

  std::string source_of(const std::string& path) const {
    if (file_.directory.empty() || (path != file_.directory && !path.starts_with(file_.directory + "/"))) return path;
    return "." + path.substr(file_.directory.size());
  }

  void mounts() {
    for (const engine::MountSpec& mount : spec_.mounts) {
      const auto point = std::ranges::find(container_.mounts, mount.target, &engine::MountPoint::target);
      const bool anonymous = mount.source.empty() || (point != container_.mounts.end() && point->anonymous);
      Json each{{"type", "volume"}, {"target", mount.target}};
      if (mount.type == engine::MountType::bind) {
        each["type"] = "bind";
        each["source"] = source_of(mount.source);
      } else if (mount.type == engine::MountType::tmpfs) {
        each["type"] = "tmpfs";
      } else if (mount.type == engine::MountType::image) {
        each["type"] = "image";
        each["source"] = mount.source;
      } else if (!anonymous) {
        each["source"] = named_volume(mount.source);
      }
      put_set(each, "read_only", mount.read_only);
      made_["volumes"].push_back(std::move(each));
    }
    for (const auto& [target, options] : spec_.tmpfs)
      made_["tmpfs"].push_back(target + (options.empty() ? "" : ":" + options));
  }

  // Finds the key under which the file names this volume, so that the same data is used.
  std::string named_volume(const std::string& name) {
    const auto found = file_.volumes.find(name);
    const bool known = found != file_.volumes.end();
    const std::string key = key_of(name, known ? &found->second.spec.labels : nullptr, project::label::volume);
    Json& volume = volumes_[key];
    volume["name"] = name;
    if (known && found->second.spec.driver != "local") put_set(volume, "driver", found->second.spec.driver);
    if (known) put_set(volume, "driver_opts", found->second.spec.driver_opts);
    return key;
  }

  void network() {
    if (!spec_.network_mode.empty()) {
      made_["network_mode"] = spec_.network_mode;
      return;
    }
    for (const engine::Endpoint& endpoint : container_.networks) {
      if (endpoint.network == "bridge") {
        made_["network_mode"] = "bridge";
        return;
      }
      const auto found = file_.networks.find(endpoint.network);
      const bool known = found != file_.networks.end();
      const std::string key =
          key_of(endpoint.network, known ? &found->second.spec.labels : nullptr, project::label::network);
      networks_[key]["name"] = endpoint.network;
      if (known) put_set(networks_[key], "internal", found->second.spec.internal);
      Json& own = made_["networks"][key];
      for (const std::string& alias : endpoint.wanted.aliases)
        if (alias != container_.name && alias != container_.service && !container_.id.starts_with(alias))
          own["aliases"].push_back(alias);
      put_set(own, "ipv4_address", endpoint.wanted.ipv4);
      put_set(own, "ipv6_address", endpoint.wanted.ipv6);
    }
    put_set(made_, "extra_hosts", hosts());
    put_set(made_, "dns", spec_.dns);
    put_set(made_, "dns_search", spec_.dns_search);
  }

  engine::Strings hosts() const {
    engine::Strings all;
    for (const engine::HostEntry& host : spec_.extra_hosts) all.push_back(host.name + "=" + host.address);
    return all;
  }

  void ports() {
    for (const engine::PortBinding& port : spec_.ports) {
      Json each{{"target", port.container_port}, {"protocol", port.protocol}};
      put_set(each, "host_ip", port.host_ip);
      if (port.host_port)
        each["published"] =
            std::to_string(port.host_port) + (port.host_port_end ? "-" + std::to_string(port.host_port_end) : "");
      made_["ports"].push_back(std::move(each));
    }
    put_set(made_, "expose", spec_.expose);
  }

  void health() {
    if (!spec_.health) return;
    const engine::HealthSpec& check = *spec_.health;
    Json each = Json::object();
    if (check.test) each["test"] = *check.test;
    if (check.interval) each["interval"] = format_duration(*check.interval);
    if (check.timeout) each["timeout"] = format_duration(*check.timeout);
    if (check.start_period) each["start_period"] = format_duration(*check.start_period);
    if (check.start_interval) each["start_interval"] = format_duration(*check.start_interval);
    if (check.retries) each["retries"] = *check.retries;
    made_["healthcheck"] = std::move(each);
  }

  void rights() {
    put_set(made_, "privileged", spec_.privileged);
    put_set(made_, "cap_add", spec_.cap_add);
    put_set(made_, "cap_drop", spec_.cap_drop);
    put_set(made_, "security_opt", spec_.security_opt);
    put_set(made_, "group_add", spec_.group_add);
    put_set(made_, "read_only", spec_.read_only);
    put_set(made_, "pid", spec_.pid_mode);
    put_set(made_, "ipc", spec_.ipc_mode);
    for (const engine::DeviceSpec& device : spec_.devices)
      made_["devices"].push_back(device.host_path + ":" +
                                 (device.container_path.empty() ? device.host_path : device.container_path) + ":" +
                                 device.permissions);
  }

  void resources() {
    put_set(made_, "mem_limit", spec_.resources.memory);
    put_set(made_, "cpu_shares", spec_.resources.cpu_shares);
    put_set(made_, "cpuset", spec_.resources.cpuset_cpus);
    if (spec_.resources.nano_cpus) made_["cpus"] = static_cast<double>(spec_.resources.nano_cpus) / 1e9;
    if (spec_.resources.pids_limit) made_["pids_limit"] = *spec_.resources.pids_limit;
    if (spec_.shm_size) made_["shm_size"] = *spec_.shm_size;
    for (const engine::Ulimit& limit : spec_.ulimits)
      made_["ulimits"][limit.name] = {{"soft", limit.soft}, {"hard", limit.hard}};
    put_set(made_, "sysctls", spec_.sysctls);
    put_set(made_, "oom_score_adj", spec_.oom_score_adj);
  }

  void dependencies() {
    const auto label = spec_.labels.find(project::label::depends_on);
    if (label == spec_.labels.end()) return;
    for (const auto& [name, dependency] : project::parse_depends_on(label->second)) {
      Json& each = made_["depends_on"][name];
      each["condition"] = project::to_string(dependency.condition);
      put_set(each, "restart", dependency.restart);
    }
  }

  const ContainerDetails& container_;
  const ContainerSpec& spec_;
  GeneratedFile& file_;
  Json& networks_;
  Json& volumes_;
  Json made_ = Json::object();
};

// Drops dependencies on services that are not in the file.
void drop_absent_dependencies(Json& services) {
  for (Json& service : services) {
    const auto wanted = service.find("depends_on");
    if (wanted == service.end()) continue;
    Json kept = Json::object();
    for (const auto& [name, dependency] : wanted->items())
      if (services.contains(name)) kept[name] = dependency;
    if (kept.empty())
      service.erase("depends_on");
    else
      *wanted = std::move(kept);
  }
}

// A dollar sign would start a variable.
void escape_dollars(Json& value) {
  if (value.is_string()) {
    value = replace_all(value.get<std::string>(), "$", "$$");
  } else if (value.is_structured()) {
    for (Json& each : value) escape_dollars(each);
  }
}

}  // namespace

Json generate_file(const std::vector<ContainerDetails>& containers, GeneratedFile& file) {
  Json services = Json::object(), networks = Json::object(), volumes = Json::object();
  std::map<std::string, int> counts;
  for (const ContainerDetails& container : containers) {
    const std::string service = label_of(container.spec.labels, project::label::service, container.name);
    if (const int count = ++counts[service]; count > 1) {
      services[service]["scale"] = count;
      continue;
    }
    services[service] = GeneratedService(container, file, networks, volumes).write();
  }
  drop_absent_dependencies(services);
  Json made = Json::object();
  put_set(made, "name", file.name);
  made["services"] = std::move(services);
  if (!networks.empty()) made["networks"] = std::move(networks);
  if (!volumes.empty()) made["volumes"] = std::move(volumes);
  for (auto& [key, value] : made.items())
    if (key != "name") escape_dollars(value);
  return made;
}

}  // namespace consort::cli

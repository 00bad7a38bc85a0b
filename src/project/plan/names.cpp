#include "project/plan/names.hpp"

#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "base/version.hpp"
#include "compose/api_socket.hpp"
#include "compose/compose.hpp"

namespace consort::project {

std::string container_name(const compose::Project& project, const compose::Service& service, unsigned number,
                           std::string_view separator) {
  if (!service.container_name.empty()) return service.container_name;
  const std::string between(separator);
  return project.name + between + service.name + between + std::to_string(number);
}

const compose::Service* service_named(const compose::Project& project, const std::string& name) {
  for (const auto* services : {&project.services, &project.disabled_services})
    if (const auto found = services->find(name); found != services->end()) return &found->second;
  return nullptr;
}

std::string image_name(const compose::Project& project, const compose::Service& service) {
  return service.image.empty() ? project.name + "-" + service.name : service.image;
}

std::string image_key(const compose::Project& project, const compose::Service& service) {
  return image_name(project, service) + (service.platform.empty() ? "" : " for " + service.platform);
}

bool is_hook(const engine::Container& container) {
  return container.labels.contains(label::hook);
}

std::string short_name(const engine::Container& container) {
  const std::string prefix = container.project + "-";
  return container.name.starts_with(prefix) ? container.name.substr(prefix.size()) : container.name;
}

std::string_view to_string(compose::DependencyCondition condition) {
  switch (condition) {
    case compose::DependencyCondition::started:
      return "service_started";
    case compose::DependencyCondition::healthy:
      return "service_healthy";
    case compose::DependencyCondition::completed_successfully:
      return "service_completed_successfully";
  }
  return "service_started";
}

std::string format_depends_on(const std::map<std::string, compose::Dependency>& dependencies) {
  std::vector<std::string> parts;
  for (const auto& [name, dependency] : dependencies)
    parts.push_back(name + ":" + std::string(to_string(dependency.condition)) +
                    (dependency.restart ? ":true" : ":false"));
  return join(parts, ",");
}

std::map<std::string, compose::Dependency> parse_depends_on(std::string_view text) {
  std::map<std::string, compose::Dependency> result;
  for (const std::string& part : split(text, ',')) {
    const std::vector<std::string> fields = split(part, ':');
    if (fields[0].empty()) continue;
    compose::Dependency dependency;
    for (const auto condition :
         {compose::DependencyCondition::healthy, compose::DependencyCondition::completed_successfully})
      if (fields.size() > 1 && fields[1] == to_string(condition)) dependency.condition = condition;
    dependency.restart = fields.size() > 2 && fields[2] == "true";
    result[fields[0]] = dependency;
  }
  return result;
}

namespace {

// An unambiguous text of fields: each is preceded by its length.
class Canonical {
 public:
  Canonical& add(std::string_view text) {
    text_ += std::to_string(text.size()) + ":" + std::string(text);
    return *this;
  }
  Canonical& add(const compose::StringMap& map) {
    add(std::to_string(map.size()));
    for (const auto& [key, value] : map) add(key).add(value);
    return *this;
  }
  std::string hash() const { return sha256_hex(text_); }

 private:
  std::string text_;
};

std::string word(std::optional<bool> value) {
  return !value ? "unset" : *value ? "true" : "false";
}

// The content of a config or secret is written when the container is created, so changed content requires a new one.
void add_content(Canonical& canonical, const std::vector<compose::FileReference>& references,
                 const std::map<std::string, compose::FileObject>& objects) {
  for (const compose::FileReference& reference : references)
    if (const auto found = objects.find(reference.source); found != objects.end() && !found->second.content.empty())
      canonical.add(reference.source).add(found->second.content);
}

// Labels that identify the owner of a network or volume: the project, and the key in its file.
void add_labels(std::map<std::string, std::string>& labels, const compose::Project& project,
                std::pair<std::string, std::string> key, std::string hash) {
  labels[label::project] = project.name;
  labels[key.first] = std::move(key.second);
  labels[label::version] = compose_version;
  labels[label::config_hash] = std::move(hash);
}

}  // namespace

std::string config_hash(const compose::Project& project, const compose::Service& service) {
  // As in Docker Compose and `config --hash`, unless there is content to which the file only refers.
  const auto api = compose::api_socket_of(project, service);
  const bool full_api = api && *api == compose::ApiSocket::full;
  if (service.configs.empty() && service.secrets.empty() && !full_api)
    return sha256_hex(compose::service_hash_json(service));
  Canonical canonical;
  canonical.add(compose::service_hash_json(service));
  if (full_api) canonical.add("api_socket").add("full");
  add_content(canonical, service.configs, project.configs);
  add_content(canonical, service.secrets, project.secrets);
  return canonical.hash();
}

std::string config_hash(const compose::Network& network) {
  Canonical canonical;
  canonical.add(network.name).add(network.driver).add(network.driver_opts).add(network.ipam.driver);
  for (const compose::IpamPool& pool : network.ipam.config)
    canonical.add(pool.subnet).add(pool.gateway).add(pool.ip_range).add(pool.aux_addresses);
  canonical.add(word(network.internal)).add(word(network.attachable)).add(network.labels);
  canonical.add(word(network.enable_ipv4)).add(word(network.enable_ipv6));
  return canonical.hash();
}

std::string config_hash(const compose::Volume& volume) {
  return Canonical().add(volume.name).add(volume.driver).add(volume.driver_opts).add(volume.labels).hash();
}

engine::NetworkSpec network_spec(const compose::Project& project, const std::string& key) {
  const compose::Network& network = project.networks.at(key);
  engine::NetworkSpec spec;
  spec.name = network.name;
  spec.project = project.name;
  spec.driver = network.driver;
  spec.driver_opts = network.driver_opts;
  spec.ipam_driver = network.ipam.driver;
  spec.ipam_options = network.ipam.options;
  for (const compose::IpamPool& pool : network.ipam.config)
    spec.pools.push_back({pool.subnet, pool.ip_range, pool.gateway, pool.aux_addresses});
  spec.internal = network.internal;
  spec.attachable = network.attachable;
  spec.enable_ipv4 = network.enable_ipv4.value_or(true);
  spec.enable_ipv6 = network.enable_ipv6.value_or(false);
  spec.labels = network.labels;
  add_labels(spec.labels, project, {label::network, key}, config_hash(network));
  return spec;
}

engine::VolumeSpec volume_spec(const compose::Project& project, const std::string& key) {
  const compose::Volume& volume = project.volumes.at(key);
  engine::VolumeSpec spec;
  spec.name = volume.name;
  spec.driver = volume.driver;
  spec.driver_opts = volume.driver_opts;
  spec.labels = volume.labels;
  add_labels(spec.labels, project, {label::volume, key}, config_hash(volume));
  return spec;
}

}  // namespace consort::project

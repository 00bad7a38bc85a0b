// Prints the desired project as text.
#include <array>
#include <charconv>

#include "base/strings.hpp"
#include "project/desired/desired.hpp"
#include "project/plan/names.hpp"

namespace consort::project {

namespace {

std::string_view word(RestartWhen when) {
  switch (when) {
    case RestartWhen::never:
      return "never";
    case RestartWhen::on_failure:
      return "on failure";
    case RestartWhen::always:
      return "always";
    case RestartWhen::unless_stopped:
      return "unless stopped";
  }
  return "?";
}

std::string_view word(compose::MountType type) {
  switch (type) {
    case compose::MountType::bind:
      return "bind";
    case compose::MountType::volume:
      return "volume";
    case compose::MountType::tmpfs:
      return "tmpfs";
    case compose::MountType::image:
      return "image";
    case compose::MountType::npipe:
      return "npipe";
    case compose::MountType::cluster:
      return "cluster";
  }
  return "?";
}

// "0.1"
std::string shortest(double number) {
  std::array<char, 32> digits{};
  const auto end = std::to_chars(digits.data(), digits.data() + digits.size(), number).ptr;
  return {digits.data(), end};
}

class Text {
 public:
  void line(const std::string& what) { text_ += what + "\n"; }
  void fact(const std::string& what) { text_ += "  " + what + "\n"; }
  std::string take() { return std::move(text_); }

 private:
  std::string text_;
};

std::string image_text(const DesiredImage& image) {
  std::string text = "image " + image.name;
  if (!image.platform.empty()) text += " for " + image.platform;
  if (image.built) text += ", built";
  if (!image.pull_policy.empty()) text += ", pull policy " + image.pull_policy;
  return text;
}

std::string dependency_text(const std::string& name, const compose::Dependency& dependency) {
  std::string text = "after " + name + ", " + std::string(to_string(dependency.condition));
  if (!dependency.required) text += ", if there is one";
  if (dependency.restart) text += ", restarted with it";
  return text;
}

std::string network_text(const DesiredNetwork& network) {
  std::string text = "on network " + network.name;
  if (!network.how.aliases.empty()) text += " as " + join(network.how.aliases, ", ");
  for (const std::string* address : {&network.how.ipv4_address, &network.how.ipv6_address, &network.how.mac_address})
    if (!address->empty()) text += ", " + *address;
  return text;
}

std::string port_text(const DesiredPort& port) {
  std::string text = "port " + std::to_string(port.container) + "/" + port.protocol + " at ";
  if (!port.host_ip.empty()) text += port.host_ip + " ";
  if (port.host_first == 0) return text + "any port";
  text += "port " + std::to_string(port.host_first);
  return port.host_last == 0 ? text : text + " to " + std::to_string(port.host_last);
}

std::string mount_text(const DesiredMount& mount) {
  const std::string& source = mount.volume_name.empty() ? mount.how.source : mount.volume_name;
  std::string text =
      std::string(word(mount.how.type)) + (source.empty() ? "" : " " + source) + " at " + mount.how.target;
  return mount.how.read_only ? text + ", read-only" : text;
}

std::string file_text(const DesiredFile& file) {
  std::string text = (file.kind == DesiredFile::Kind::secret ? "secret " : "config ") + file.key + " at " + file.path;
  if (file.external) return text + ", external " + file.name;
  return file.host_file.empty() ? text + ", written" : text + ", from " + file.host_file;
}

std::string restart_text(const DesiredRestart& restart) {
  std::string text = "restart " + std::string(word(restart.when));
  return restart.most_times == 0 ? text : text + ", at most " + std::to_string(restart.most_times) + " times";
}

std::string health_text(const compose::HealthCheck& health) {
  return health.disable ? "no health check" : "health check " + join(health.test, " ");
}

void add_limits(const DesiredLimits& limits, Text& text) {
  if (limits.cpus > 0) text.fact("at most " + shortest(limits.cpus) + " CPUs");
  if (limits.memory > 0) text.fact("at most " + std::to_string(limits.memory) + " bytes of memory");
  if (limits.memory_reservation > 0)
    text.fact("reserves " + std::to_string(limits.memory_reservation) + " bytes of memory");
  if (limits.pids > 0) text.fact("at most " + std::to_string(limits.pids) + " processes");
}

void add_service(const DesiredService& service, Text& text) {
  text.line("service " + service.name);
  const std::string named = service.container_name.empty() ? "" : ", named " + service.container_name;
  text.fact("replicas " + std::to_string(service.replicas) + named);
  text.fact(image_text(service.image));
  for (const auto& [name, dependency] : service.dependencies) text.fact(dependency_text(name, dependency));
  if (!service.container.network_mode.empty()) text.fact("network mode " + service.container.network_mode);
  for (const DesiredNetwork& network : service.networks) text.fact(network_text(network));
  for (const DesiredPort& port : service.ports) text.fact(port_text(port));
  for (const DesiredMount& mount : service.mounts) text.fact(mount_text(mount));
  for (const DesiredFile& file : service.files) text.fact(file_text(file));
  text.fact(restart_text(service.restart));
  if (service.health) text.fact(health_text(*service.health));
  add_limits(service.limits, text);
}

}  // namespace

std::string to_string(const DesiredProject& project) {
  Text text;
  text.line("project " + project.name);
  for (const auto& [key, network] : project.networks)
    text.line("network " + network.name + (network.external ? ", external" : ""));
  for (const auto& [key, volume] : project.volumes)
    text.line("volume " + volume.name + (volume.external ? ", external" : ""));
  for (const DesiredService& service : project.services) add_service(service, text);
  return text.take();
}

}  // namespace consort::project

#include "project/desired/places.hpp"

#include <algorithm>
#include <array>
#include <iterator>

#include "base/os/files/file.hpp"

namespace consort::project {

namespace {

// An attribute that can be written in two places; this is the second one.
struct Alternative {
  std::string_view setting;
  std::array<std::string_view, 4> path;
};
constexpr std::array<Alternative, 7> alternatives{{
    {"cpus", {"deploy", "resources", "limits", "cpus"}},
    {"gpus", {"deploy", "resources", "reservations", "devices"}},
    {"mac_address", {"networks"}},
    {"mem_limit", {"deploy", "resources", "limits", "memory"}},
    {"mem_reservation", {"deploy", "resources", "reservations", "memory"}},
    {"pids_limit", {"deploy", "resources", "limits", "pids"}},
    {"restart", {"deploy", "restart_policy"}},
}};

bool same_place(const Mark& a, const Mark& b) {
  return a.file == b.file && a.line == b.line && a.column == b.column;
}

// The position of the setting itself, or of its nearest existing parent.
Mark locate_below(const compose::Project& project, compose::Strings path, const compose::Strings& setting) {
  std::ranges::copy(setting, std::back_inserter(path));
  return project.locate(path);
}

// The first word is the attribute's name; everything after it is one entry of the attribute, whatever characters it
// contains.
compose::Strings path_of(std::string_view setting) {
  const std::size_t slash = setting.find('/');
  compose::Strings path{std::string(setting.substr(0, slash))};
  if (slash != std::string_view::npos) path.emplace_back(setting.substr(slash + 1));
  return path;
}

// Maps the name that the engine uses for a network to the key in the file.
std::string key_of_network(const compose::Project& project, const std::string& name) {
  const auto found = std::ranges::find_if(project.networks, [&](const auto& each) { return each.second.name == name; });
  return found == project.networks.end() ? name : found->first;
}

// The service's volume or tmpfs with this mount point. Empty if the file has none, as for a volume that the image
// declares.
compose::Strings mount_at(const compose::Service& service, const std::string& target) {
  const auto volume = std::ranges::find_if(
      service.volumes, [&](const auto& each) { return !each.target.empty() && clean_path(each.target) == target; });
  if (volume != service.volumes.end()) return {"volumes", std::to_string(volume - service.volumes.begin())};
  const bool is_tmpfs = std::ranges::any_of(
      service.tmpfs, [&](const std::string& each) { return clean_path(each.substr(0, each.find(':'))) == target; });
  if (is_tmpfs) return {"tmpfs"};
  const auto file_in = [&](const auto& references, const char* attribute, const char* directory) {
    const auto found = std::ranges::find_if(references, [&](const compose::FileReference& each) {
      return join_path(directory, each.target.empty() ? each.source : each.target) == target;
    });
    if (found == references.end()) return compose::Strings{};
    return compose::Strings{attribute, std::to_string(found - references.begin())};
  };
  const compose::Strings secret = file_in(service.secrets, "secrets", "/run/secrets");
  return secret.empty() ? file_in(service.configs, "configs", "/") : secret;
}

// "8000/tcp", "8000-8009/tcp": finds the entry in the service's ports that publishes it.
compose::Strings port_at(const compose::Service& service, const std::string& port) {
  const std::size_t slash = port.find('/');
  const std::string protocol = slash == std::string::npos ? "" : port.substr(slash + 1);
  const auto found = std::ranges::find_if(service.ports, [&](const compose::Port& each) {
    return each.published == port.substr(0, slash) && (each.protocol.empty() ? "tcp" : each.protocol) == protocol;
  });
  if (found == service.ports.end()) return {"ports"};
  return {"ports", std::to_string(found - service.ports.begin())};
}

Mark locate_resource(const compose::Project& project, const char* kind, const std::string& key, const Error& error) {
  const bool known = error.subject() == Subject::setting;
  return locate_below(project, {kind, key}, known ? path_of(error.subject_name()) : compose::Strings{});
}

}  // namespace

Mark locate_setting(const compose::Project& project, const compose::Service& service, std::string_view setting) {
  const compose::Strings above{"services", service.name};
  compose::Strings path = path_of(setting);
  if (path.size() == 2 && path[0] == "networks") path[1] = key_of_network(project, path[1]);
  if (path.size() == 2 && path[0] == "devices") {
    const auto device = std::ranges::find_if(service.devices, [&](const auto& each) { return each.source == path[1]; });
    path[1] = std::to_string(device - service.devices.begin());
  }
  const Mark name = project.locate(above);
  Mark found = locate_below(project, above, path);
  const auto* other = std::ranges::find(alternatives, path[0], &Alternative::setting);
  if (other == alternatives.end() || !same_place(found, name)) return found;
  path.assign(other->path.begin(), std::ranges::find(other->path, std::string_view()));
  return locate_below(project, above, path);
}

Mark locate_cause(const compose::Project& project, const compose::Service& service, const Error& error) {
  const auto at = [&](const compose::Strings& path) { return locate_below(project, {"services", service.name}, path); };
  switch (error.subject()) {
    case Subject::setting:
      return locate_setting(project, service, error.subject_name());
    case Subject::port:
      return at(port_at(service, error.subject_name()));
    case Subject::container_name:
      return at({"container_name"});
    case Subject::user:
      return at({"user"});
    case Subject::working_directory:
      return at({"working_dir"});
    case Subject::program:
      return at({service.entrypoint && !service.entrypoint->empty() ? "entrypoint" : "command"});
    case Subject::mount:
      return at(mount_at(service, error.subject_name()));
    default:
      return at({});
  }
}

Mark locate_network(const compose::Project& project, std::string_view name, const Error& error) {
  const std::string key = key_of_network(project, std::string(name));
  return project.networks.contains(key) ? locate_resource(project, "networks", key, error) : Mark{};
}

Mark locate_volume(const compose::Project& project, std::string_view name, const Error& error) {
  const auto found = std::ranges::find_if(project.volumes, [&](const auto& each) { return each.second.name == name; });
  return found == project.volumes.end() ? Mark{} : locate_resource(project, "volumes", found->first, error);
}

}  // namespace consort::project

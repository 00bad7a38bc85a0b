// Problems that Docker Compose detects only when containers start: host ports that two containers claim, and missing
// bind sources. These are warnings, because the file itself is valid and the host may change until then.
#include <algorithm>
#include <array>
#include <optional>
#include <string_view>
#include <unordered_map>
#include <utility>
#include <vector>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "compose/api_socket.hpp"
#include "compose/passes/finish.hpp"

namespace consort::compose {

namespace {

struct Claim {
  std::string service;
  std::string host_ip;
  std::string protocol;
  std::uint64_t port = 0;
  Place place;
};

bool addresses_meet(const std::string& a, const std::string& b) {
  const auto anything = [](const std::string& address) { return address.empty(); };
  const auto six = [](const std::string& address) { return address.find(':') != std::string::npos; };
  if (a == b || anything(a) || anything(b)) return true;
  if (six(a) != six(b)) return false;
  const std::string_view all = six(a) ? "::" : "0.0.0.0";
  return a == all || b == all;
}

bool meet(const Claim& a, const Claim& b) {
  return a.port == b.port && a.protocol == b.protocol && addresses_meet(a.host_ip, b.host_ip);
}

// Services of the merged tree by name: looking up each one in a long mapping would cost more than the checks.
using ServiceNodes = std::unordered_map<std::string_view, const Node*>;

ServiceNodes nodes_of(const Project& project) {
  ServiceNodes nodes;
  if (const Node* services = project.tree ? project.tree->find("services") : nullptr)
    for (const Entry& entry : services->entries) nodes.emplace(entry.key, &entry.value);
  return nodes;
}

Place place_of(const ServiceNodes& nodes, const Service& service, const char* list, std::size_t index) {
  const auto found = nodes.find(service.name);
  return found == nodes.end() ? Place{} : place_in(*found->second, {list, std::to_string(index)});
}

// A range claims no port: the first free one is used.
std::optional<Claim> claim_of(const ServiceNodes& nodes, const Service& service, std::size_t index) {
  const Port& port = service.ports[index];
  const auto number = parse_unsigned(port.published);
  if (!number || *number == 0) return std::nullopt;
  const Place place = place_of(nodes, service, "ports", index);
  return Claim{service.name, port.host_ip, port.protocol, *number, place};
}

std::string text_of(const Claim& claim) {
  return (claim.host_ip.empty() ? "" : claim.host_ip + ":") + std::to_string(claim.port) + "/" + claim.protocol;
}

void report(const Claim& first, const Claim& second, Reporter& reporter) {
  const bool same = first.service == second.service;
  Diagnostic& made =
      reporter.warning("port-conflict",
                       same ? "service \"" + second.service + "\" publishes host port " + text_of(second) + " twice"
                            : "services \"" + first.service + "\" and \"" + second.service +
                                  "\" both publish host port " + text_of(second),
                       second.place);
  made.label = "only one container can have port " + std::to_string(second.port) + " of the host";
  made.help = "publish another host port, for example \"" + std::to_string(second.port + 1) +
              ":...\", or leave out the host port to get a free one";
  if (first.place.line != second.place.line || first.place.source != second.place.source)
    made.related.push_back(reporter.related(first.place, "first published here"));
}

void report_replicas(const Claim& claim, int replicas, Reporter& reporter) {
  Diagnostic& made = reporter.warning("port-conflict",
                                      "service \"" + claim.service + "\" runs " + std::to_string(replicas) +
                                          " containers that all publish host port " + text_of(claim),
                                      claim.place);
  made.label = "only one of them can have port " + std::to_string(claim.port) + " of the host";
  made.help = "publish a range, for example \"" + std::to_string(claim.port) + "-" +
              std::to_string(claim.port + static_cast<std::uint64_t>(replicas) - 1) + ":...\", or no host port";
}

bool is_made(const Mount& mount) {
  return !mount.bind || mount.bind->create_host_path;
}

// Judged by its extension, but not by the "2" of app-1.2 or the "d" of conf.d, which are directories.
bool looks_like_file(const std::string& path) {
  const std::string name = base_name(path);
  const std::size_t dot = name.rfind('.');
  if (dot == std::string::npos || dot == 0) return false;
  const std::string_view ending = std::string_view(name).substr(dot + 1);
  if (std::ranges::count(std::array<std::string_view, 4>{"template", "example", "config", "properties"}, ending))
    return true;
  return !ending.empty() && ending.size() <= 5 && ending != "d" && !parse_unsigned(ending);
}

// Never created: only the program that listens on it can do that, and a directory would be in its way.
bool is_socket(const std::string& path) {
  return path.ends_with(".sock");
}

// The base of a file's relative paths: an extended or included file has its own.
std::string base_of(const Project& project, Place place) {
  const Source* source = project.sources ? project.sources->get(place.source) : nullptr;
  const bool own = !source || std::ranges::count(project.compose_files, source->path()) > 0;
  return own ? project.working_directory : dir_name(source->path());
}

void report_missing(const std::string& directory, const Service& service, const Mount& mount, Place place,
                    Reporter& reporter) {
  if (!is_made(mount)) {
    Diagnostic& made = reporter.warning(
        "missing-bind-source",
        "services." + service.name + ".volumes: bind source path does not exist: " + mount.source, place);
    made.label = "the container cannot start without it";
    made.help = "create it, or set `create_host_path: true` under `bind:` to create an empty directory";
    return;
  }
  if (is_socket(mount.source)) {
    Diagnostic& made = reporter.warning(
        "missing-bind-source",
        "services." + service.name + ".volumes: " + mount.source + " does not exist, and sockets are not created",
        place);
    made.label = "the container cannot start without it";
    made.help = base_name(mount.source) == "docker.sock"
                    ? "`consort serve -H unix://" + mount.source + "` creates it while it runs"
                    : "start the program that listens on it first, or mount the directory it will be in";
    return;
  }
  Diagnostic& made = reporter.warning("missing-bind-source",
                                      "services." + service.name + ".volumes: " + mount.source +
                                          " does not exist; an empty directory will be created there",
                                      place);
  made.label = looks_like_file(mount.source) ? "looks like a file: the container would get a directory instead"
                                             : "will be an empty directory";
  made.help = "create it before `up`, or correct the path";
  if (mount.source.starts_with(directory + "/"))
    made.help += "; it is relative to " + directory;  // else it may be absolute
}

void check_host_ports(const Project& project, Reporter& reporter) {
  const ServiceNodes nodes = nodes_of(project);
  std::map<std::uint64_t, std::vector<Claim>> claims;
  for (const auto& [name, service] : project.services) {
    if (service.network_mode == "host") continue;  // ports are not published then
    const int replicas = service.replicas();
    for (std::size_t i = 0; replicas > 0 && i < service.ports.size(); ++i) {
      const std::optional<Claim> claim = claim_of(nodes, service, i);
      if (!claim) continue;
      if (replicas > 1) report_replicas(*claim, replicas, reporter);
      std::vector<Claim>& others = claims[claim->port];
      for (const Claim& other : others) {
        if (!meet(other, *claim)) continue;
        const bool in_order =
            std::pair(other.place.source, other.place.line) < std::pair(claim->place.source, claim->place.line);
        in_order ? report(other, *claim, reporter) : report(*claim, other, reporter);
        break;
      }
      others.push_back(*claim);
    }
  }
}

// A missing directory that will be created is often intended; and if a start fails, the start reports the reason.
bool is_trap(const Mount& mount) {
  return is_made(mount) && looks_like_file(mount.source) && !is_socket(mount.source);
}

void check_bind_sources(const Project& project, Advice advice, const FileAccess& access, Reporter& reporter) {
  const ServiceNodes nodes = nodes_of(project);
  std::unordered_map<std::string_view, bool> there;  // caches the answer for each path
  for (const auto& [name, service] : project.services) {
    for (std::size_t i = 0; i < service.volumes.size(); ++i) {
      const Mount& mount = service.volumes[i];
      if (mount.type != MountType::bind || !mount.source.starts_with('/')) continue;
      if (is_docker_socket(mount.source)) continue;  // reported when the socket is mounted
      if (advice == Advice::traps && !is_trap(mount)) continue;
      const auto [known, fresh] = there.try_emplace(mount.source, true);
      if (fresh) known->second = access.exists(mount.source);
      if (known->second) continue;
      const Place place = place_of(nodes, service, "volumes", i);
      report_missing(base_of(project, place), service, mount, place, reporter);
    }
  }
}

}  // namespace

void check_startup(const Project& project, Advice advice, const FileAccess& access, Reporter& reporter) {
  check_host_ports(project, reporter);
  check_bind_sources(project, advice, access, reporter);
  check_swarm_only(project, reporter);
  if (advice == Advice::all) check_start_values(project, reporter);
}

std::vector<Diagnostic> advise(const Project& project, Advice advice, const FileAccess& access) {
  if (!project.sources) return {};
  Reporter reporter(*project.sources);
  check_startup(project, advice, access, reporter);
  return std::move(reporter.diagnostics());
}

}  // namespace consort::compose

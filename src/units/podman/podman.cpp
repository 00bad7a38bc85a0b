// Converts a project to units whose containers Podman runs.
#include <algorithm>

#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "image/reference.hpp"
#include "units/podman/parts.hpp"
#include "units/timer.hpp"

namespace consort::units {

namespace {

constexpr std::size_t tag_size = 8;  // of a digest

enum class Role : std::uint8_t { service, job, hook };

// If a service has several containers, the first one uses the service's unit.
std::string numbered(const std::string& name, unsigned number) {
  return number == 1 ? name : name + "-" + std::to_string(number);
}

// Quadlet rewrites the command and loses words that are only words because of their quotes.
bool is_lost(const std::string& word) {
  return word.empty() || word == ";";
}

// For values of keys that cannot be quoted.
Result<> check_plain(const Scope& scope, const std::string& text, const compose::Strings& path) {
  if (text.empty() || is_plain(text)) return {};
  std::string setting;
  for (const std::string& part : path) setting += (setting.empty() ? "" : ".") + part;
  return fail(
      Error(Code::invalid,
            setting +
                " cannot be written to a unit: it has control characters, or spaces or a backslash at its start or end")
          .at(scope.project.locate(path))
          .hint("give it a value without them"));
}

Result<> check_service(const Scope& scope, const project::DesiredService& service) {
  const compose::Service& file = file_of(scope, service);
  const auto check = [&](const std::string& text, const compose::Strings& below) {
    compose::Strings path{scope.project.services.contains(service.name) ? "services" : "jobs", service.name};
    path.insert(path.end(), below.begin(), below.end());
    return check_plain(scope, text, path);
  };
  TRY(check(service.container_name, {"container_name"}));
  for (const project::DesiredFile& each : service.files)
    TRY(check(each.path, {each.kind == project::DesiredFile::Kind::config ? "configs" : "secrets"}));
  if (!file.build) return {};
  TRY(check(file.build->context, {"build", "context"}));
  return check(file.build->dockerfile, {"build", "dockerfile"});
}

Result<ContainerUnit> unit_of(const Scope& scope, const project::DesiredService& service, Role role, unsigned number) {
  TRY(check_service(scope, service));
  ContainerUnit unit;
  unit.container =
      service.container_name.empty() ? scope.unit(service.name) + "-" + std::to_string(number) : service.container_name;
  unit.stays = role != Role::hook && scope.awaited_end.contains(service.name);
  unit.ends = role != Role::service || unit.stays;
  unit.installed = role == Role::service && service.replicas > 0;
  unit.image = TRY(full_image(scope, service.image.name));
  if (file_of(scope, service).build && role != Role::hook) {
    if (scope.is_quadlet()) unit.image = scope.unit(service.name) + ".build";
    if (!scope.is_quadlet()) unit.needs.push_back(scope.service_of(service.name, "build"));
  }
  add_process(service, unit);
  add_environment(scope, service, unit);
  add_security(scope, service, unit);
  add_names(scope, service, unit);
  add_networks(scope, service, unit);
  add_ports(scope, service, unit);
  add_mounts(scope, service, unit);
  add_files(scope, service, unit);
  add_devices(service, unit);
  add_limits(scope, service, unit);
  add_health(service, unit);
  add_life(scope, service, unit);
  if (scope.is_quadlet() && std::ranges::any_of(unit.command, is_lost))
    scope.note(service, {"command"},
               "Quadlet drops empty words and lone semicolons in the command of \"" + service.name + "\"",
               "put the command into a script, or use --podman 4.3");
  return unit;
}

std::string ending(const Scope& scope) {
  return scope.is_quadlet() ? ".container" : ".service";
}

// Containers that run to completion, one after another, each time before the service starts.
Result<std::vector<std::string>> add_pre_start(const Scope& scope, const project::DesiredService& service) {
  std::vector<std::string> needed;
  for (std::size_t i = 0; i < service.pre_start.size(); ++i) {
    project::DesiredService wanted = TRY(project::desired_service(scope.project, service.pre_start[i].container));
    wanted.name = service.name;
    const std::string name = service.name + "-pre-start-" + std::to_string(i + 1);
    wanted.container_name = scope.unit(name);
    wanted.dependencies = service.dependencies;
    ContainerUnit unit = TRY(unit_of(scope, wanted, Role::hook, 1));
    unit.awaited = false;
    if (!needed.empty()) unit.needs.push_back(needed.back());
    const std::string comment =
        "Before service \"" + service.name + "\" of the Compose project \"" + scope.project.name + "\"";
    scope.add(scope.unit(name) + ending(scope), container_text(scope, unit, comment));
    needed.push_back(scope.unit(name) + ".service");
  }
  return needed;
}

Result<> add_service(const Scope& scope, const project::DesiredService& service, Role role) {
  if (service.container.provider) {
    scope.note(service, {"provider"}, "service \"" + service.name + "\" comes from a provider and gets no unit",
               "write a unit that runs the provider's program");
    return {};
  }
  if (file_of(scope, service).build) TRY(add_build_unit(scope, service));
  const std::vector<std::string> hooks = TRY(add_pre_start(scope, service));
  const std::string comment = std::string(role == Role::job ? "Job" : "Service") + " \"" + service.name +
                              "\" of the Compose project \"" + scope.project.name + "\"";
  for (unsigned number = 1; number <= std::max(service.replicas, 1U); ++number) {
    ContainerUnit unit = TRY(unit_of(scope, service, role, number));
    unit.needs.insert(unit.needs.end(), hooks.begin(), hooks.end());
    scope.add(scope.unit(numbered(service.name, number)) + ending(scope), container_text(scope, unit, comment));
  }
  return {};
}

// The service that Quadlet generates from a file: PROJECT-KEY.volume becomes PROJECT-KEY-volume.service.
std::string service_made_of(const std::string& path) {
  const std::size_t dot = path.rfind('.');
  const std::string name = path.substr(0, dot), kind = path.substr(dot + 1);
  if (path.find('/') != std::string::npos || kind == "timer") return path;
  return kind == "container" || kind == "service" ? name : name + "-" + kind;
}

Result<> check_names(const Scope& scope) {
  std::map<std::string, std::string> seen;
  for (const UnitFile& file : scope.out.files) {
    const auto [at, fresh] = seen.emplace(service_made_of(file.path), file.path);
    if (!fresh && at->second != file.path)
      return fail(Error(Code::invalid, at->second + " and " + file.path + " would have the same unit")
                      .hint("give one of them another name in the file"));
  }
  return {};
}

// Several containers of a service have the same notes, and a hook has those of its service.
void tell_once(std::vector<compose::Diagnostic>& notes) {
  std::set<std::pair<std::uint32_t, std::string>> told;
  std::erase_if(notes,
                [&](const compose::Diagnostic& each) { return !told.emplace(each.mark.line, each.message).second; });
}

Scope scope_of(const compose::Project& project, const project::DesiredProject& desired, Podman kind, Units& out) {
  Scope scope{.project = project,
              .desired = desired,
              .kind = kind,
              .built = {},
              .awaited_end = {},
              .awaited_health = {},
              .out = out};
  for (const project::DesiredService& service : desired.services) {
    using enum compose::DependencyCondition;
    if (service.image.built) scope.built.insert(service.image.name);
    if (is_awaited(desired, service.name, completed_successfully)) scope.awaited_end.insert(service.name);
    if (is_awaited(desired, service.name, healthy)) scope.awaited_health.insert(service.name);
  }
  return scope;
}

}  // namespace

std::string files_directory(const std::string& project) {
  return project + "-files";
}

bool is_beside(const std::string& path) {
  const std::size_t dash = path.rfind('-');
  return dash != std::string::npos && path.size() == dash + 1 + tag_size && is_hex(path.substr(dash + 1));
}

Beside Scope::add_beside(const std::string& name, const std::string& content, std::uint32_t mode) const {
  const std::string tag = sha256_hex(content + std::to_string(mode)).substr(0, tag_size);
  const std::string path = files_directory(project.name) + "/" + name + "-" + tag;
  if (std::ranges::find(out.files, path, &UnitFile::path) == out.files.end())
    out.files.push_back({path, content, mode});
  return is_quadlet() ? Beside{"", "./" + path} : Beside{"%Y/", path};
}

void Scope::note(const project::DesiredService& service, const compose::Strings& path, std::string message,
                 std::string help) const {
  compose::Strings whole{project.services.contains(service.name) ? "services" : "jobs", service.name};
  whole.insert(whole.end(), path.begin(), path.end());
  out.notes.push_back(compose::left_out(project, podman_fates(), whole, std::move(message), std::move(help)));
}

std::string container_of(const Scope& scope, const std::string& service) {
  const auto found = scope.project.services.find(service);
  const bool named = found != scope.project.services.end() && !found->second.container_name.empty();
  return named ? found->second.container_name : scope.unit(service) + "-1";
}

const compose::Service& file_of(const Scope& scope, const project::DesiredService& service) {
  const auto found = scope.project.services.find(service.name);
  return found != scope.project.services.end() ? found->second : scope.project.jobs.at(service.name);
}

Result<std::string> full_image(const Scope& scope, const std::string& name) {
  const image::Reference reference = TRY(image::Reference::parse(name));
  const bool of_project =
      scope.built.contains(name) && reference.registry == "docker.io" && !name.starts_with("docker.io/");
  return of_project ? "localhost/" + reference.familiar() : reference.full();
}

Result<Units> podman_units(const compose::Project& project, const project::DesiredProject& desired, Podman kind) {
  Units out;
  out.notes = compose::judge(project, podman_fates());
  const Scope scope = scope_of(project, desired, kind, out);
  for (const auto& [key, network] : desired.networks) TRY(check_plain(scope, network.name, {"networks", key, "name"}));
  for (const auto& [key, volume] : desired.volumes) TRY(check_plain(scope, volume.name, {"volumes", key, "name"}));
  for (const auto& [key, network] : desired.networks)
    if (!network.external) add_network_unit(scope, key, network);
  for (const auto& [key, volume] : desired.volumes)
    if (!volume.external) add_volume_unit(scope, key, volume);
  for (const project::DesiredService& service : desired.services) TRY(add_service(scope, service, Role::service));
  for (const auto& [name, job] : project.jobs) {
    const project::DesiredService wanted = TRY(project::desired_service(project, job));
    TRY(add_service(scope, wanted, Role::job));
    if (auto timer = TRY(timer_of(job, scope.unit(name), project.name))) out.files.push_back(std::move(*timer));
  }
  TRY(check_names(scope));
  tell_once(out.notes);
  return out;
}

}  // namespace consort::units

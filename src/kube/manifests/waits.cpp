// The start order for the day on which a node dies: `up` is not running, and each pod waits for its dependencies.
#include "base/strings.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

// What others wait for is a DNS name: of the existing pods, or of those that are ready.
std::string name_to_await(const Scope& scope, const std::string& service, const compose::Dependency& dependency) {
  const bool known = scope.project.services.contains(service) || scope.project.disabled_services.contains(service);
  if (!known || !dependency.required || scope.facts.absent.contains(service)) return "";
  // The name of a Job disappears with its pod, which may have ended long ago.
  if (scope.facts.ending.contains(service)) return "";
  std::string ready =
      dependency.condition == compose::DependencyCondition::healthy ? ready_name(scope, service) : std::string();
  if (!ready.empty()) return ready;
  // Without a health check it counts as healthy once it runs. An address is there before any pod is.
  const auto chosen = scope.project.services.find(service);
  const compose::Service& file =
      chosen != scope.project.services.end() ? chosen->second : scope.project.disabled_services.at(service);
  return has_address(scope, file) ? pods_name(service) : object_name(service);
}

}  // namespace

void add_dependency_facts(const compose::Project& project, const project::DesiredProject& desired, Facts& facts) {
  using enum compose::DependencyCondition;
  std::set<std::string> with_end, with_health, needed;
  for (const project::DesiredService& service : desired.services)
    for (const auto& [name, dependency] : service.dependencies) {
      if (dependency.condition == completed_successfully) with_end.insert(name);
      if (dependency.condition == healthy) with_health.insert(name);
      needed.insert(name);
    }
  // The whole file decides: a service's objects must not depend on which others are selected.
  for (const auto& [unused, file] : project.disabled_services)
    for (const auto& [name, dependency] : file.depends_on) {
      if (dependency.condition == completed_successfully) with_end.insert(name);
      if (dependency.condition == healthy) with_health.insert(name);
    }
  for (const project::DesiredService& service : desired.services) {
    const compose::Service& file = project.services.at(service.name);
    const bool global = file.deploy && file.deploy->mode == "global";
    if (ends_by_itself(file, with_end.contains(service.name))) {
      facts.ending.insert(service.name);
    } else if (service.replicas == 0 && !global) {
      facts.absent.insert(service.name);
    } else if (with_health.contains(service.name) && is_checked(service)) {
      facts.awaited_health.insert(service.name);
    }
  }
  // Not selected, but already there.
  for (const auto& [name, file] : project.disabled_services) {
    if (!needed.contains(name)) continue;
    const auto service = project::desired_service(project, file);
    if (ends_by_itself(file, with_end.contains(name))) {
      facts.ending.insert(name);
    } else if (with_health.contains(name) && service && is_checked(*service)) {
      facts.awaited_health.insert(name);
    }
  }
}

std::string ready_name(const Scope& scope, const std::string& service) {
  if (scope.options.wait_image.empty() || !scope.facts.awaited_health.contains(service)) return "";
  constexpr const char* behind = "-is-ready";
  return object_name(service, std::string_view(behind).size()) + behind;
}

void add_waits(const Scope& scope, const project::DesiredService& service, Pod& pod) {
  if (scope.options.wait_image.empty()) return;
  Json names = Json::array();
  for (const auto& [name, dependency] : service.dependencies)
    if (std::string wanted = name_to_await(scope, name, dependency); !wanted.empty())
      names.push_back(std::move(wanted));
  if (names.empty()) return;
  Json container{{"name", wait_container}, {"image", scope.options.wait_image}, {"args", std::move(names)}};
  // Before the containers that fill volumes.
  Json all = Json::array({std::move(container)});
  if (pod.spec.contains("initContainers"))
    for (Json& each : pod.spec["initContainers"]) all.push_back(std::move(each));
  pod.spec["initContainers"] = std::move(all);
}

}  // namespace consort::kube

// The start order for the day on which a node dies: `up` is not running, and each pod waits for its dependencies.
#include <algorithm>

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
  // Without a health check it counts as healthy once it runs. The name must not depend on the number of replicas, or
  // `scale` would recreate the pods that wait.
  const auto chosen = scope.project.services.find(service);
  const compose::Service& file =
      chosen != scope.project.services.end() ? chosen->second : scope.project.disabled_services.at(service);
  const bool other = has_address(scope, file) || scope.facts.alike.contains(service);
  return other ? pods_name(service) : object_name(service);
}

// What services wait for of each other. The whole file decides: a service's objects must not depend on which others
// are selected.
struct Awaited {
  std::set<std::string> end, health, start;
  std::set<std::string> selected;  // by those that are selected

  void add(const std::string& name, compose::DependencyCondition condition) {
    using enum compose::DependencyCondition;
    (condition == completed_successfully ? end : condition == healthy ? health : start).insert(name);
  }
};

Awaited awaited_of(const compose::Project& project, const project::DesiredProject& desired) {
  Awaited all;
  for (const project::DesiredService& service : desired.services)
    for (const auto& [name, dependency] : service.dependencies) {
      all.add(name, dependency.condition);
      all.selected.insert(name);
    }
  for (const auto& [unused, file] : project.disabled_services)
    for (const auto& [name, dependency] : file.depends_on) all.add(name, dependency.condition);
  return all;
}

// Of a service that does not end by itself.
void add_facts_of(const compose::Project& project, const compose::Service& file, const project::DesiredService& service,
                  const Awaited& awaited, Facts& facts) {
  const bool checked = awaited.health.contains(service.name) && is_checked(service);
  if (checked) facts.awaited_health.insert(service.name);
  if (awaited.start.contains(service.name) || (awaited.health.contains(service.name) && !checked))
    facts.awaited_start.insert(service.name);
  const auto is_taken = [&](const auto& services) {
    return std::ranges::any_of(services,
                               [&](const auto& each) { return object_name(each.first) == pods_name(service.name); });
  };
  if (!keeps_data(service) && !(file.deploy && file.deploy->endpoint_mode == "dnsrr") && !is_taken(project.services) &&
      !is_taken(project.disabled_services))
    facts.alike.insert(service.name);
}

}  // namespace

void add_dependency_facts(const compose::Project& project, const project::DesiredProject& desired, Facts& facts) {
  const Awaited awaited = awaited_of(project, desired);
  for (const project::DesiredService& service : desired.services) {
    const compose::Service& file = project.services.at(service.name);
    if (ends_by_itself(file, awaited.end.contains(service.name))) {
      facts.ending.insert(service.name);
    } else if (service.replicas == 0 && !runs_on_each_node(file)) {
      facts.absent.insert(service.name);
    } else {
      add_facts_of(project, file, service, awaited, facts);
    }
  }
  // Not selected, but already there.
  for (const auto& [name, file] : project.disabled_services) {
    if (!awaited.selected.contains(name)) continue;
    const auto service = project::desired_service(project, file);
    if (ends_by_itself(file, awaited.end.contains(name))) {
      facts.ending.insert(name);
    } else if (service) {
      add_facts_of(project, file, *service, awaited, facts);
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

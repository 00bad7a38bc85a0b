// The order of start for the day on which a node dies: `up` is not there, and each pod waits for what it depends on.
#include "base/strings.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

// What another waits for is a name: of the pods that are there, or of those that are ready.
std::string name_to_await(const Scope& scope, const std::string& service, const compose::Dependency& dependency) {
  const bool known = scope.project.services.contains(service);
  const bool ended = dependency.condition == compose::DependencyCondition::completed_successfully;  // and stays so
  if (!known || ended || !dependency.required) return "";
  return dependency.condition == compose::DependencyCondition::healthy ? ready_name(scope, service)
                                                                       : object_name(service);
}

}  // namespace

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
  // Before what fills volumes.
  Json all = Json::array({std::move(container)});
  if (pod.spec.contains("initContainers"))
    for (Json& each : pod.spec["initContainers"]) all.push_back(std::move(each));
  pod.spec["initContainers"] = std::move(all);
}

}  // namespace consort::kube

// Names that resolve.
#include <set>

#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

// The name stands for the pods themselves, so that all their ports can be reached, whether the file lists them or not.
// Pods of one service find each other before they are ready, as database clusters need it.
enum class Pods : std::uint8_t { all, ready };
Json headless(const Scope& scope, const std::string& name, const project::DesiredService& service,
              Pods which = Pods::all) {
  Json spec{{"clusterIP", "None"}, {"selector", labels_of(scope, service.name)}};
  if (which == Pods::all) spec["publishNotReadyAddresses"] = true;
  return Json{
      {"apiVersion", "v1"}, {"kind", "Service"}, {"metadata", metadata(scope, name, service.name)}, {"spec", spec}};
}

void add_alias(const Scope& scope, const project::DesiredService& service, const std::string& alias,
               const compose::Strings& place) {
  if (!is_service_name(alias)) {
    scope.warn(service, place, "the name \"" + alias + "\" is left out on Kubernetes",
               "names there consist of lower-case letters, digits and hyphens");
    return;
  }
  if (!scope.facts.names.contains(alias)) scope.add(service.name, headless(scope, alias, service));
}

}  // namespace

void add_services(const Scope& scope, const compose::Service& file, const project::DesiredService& service) {
  const std::string name = object_name(service.name);
  scope.add(service.name, headless(scope, name, service));
  if (const std::string ready = ready_name(scope, service.name); !ready.empty())
    scope.add(service.name, headless(scope, ready, service, Pods::ready));
  if (name != service.name)
    scope.warn(service, {}, "service \"" + service.name + "\" is called \"" + name + "\" on Kubernetes",
               "names there consist of lower-case letters, digits and hyphens");
  if (!service.container_name.empty()) add_alias(scope, service, service.container_name, {"container_name"});
  std::set<std::string> aliases;
  for (const project::DesiredNetwork& network : service.networks)
    for (const std::string& alias : network.how.aliases)
      if (aliases.insert(alias).second) add_alias(scope, service, alias, {"networks", network.key, "aliases"});
  // Here, only the one service knows a link's alias; on a cluster, all of them do.
  if (const auto links = scope.facts.links.find(service.name); links != scope.facts.links.end())
    for (const std::string& alias : links->second)
      if (aliases.insert(alias).second) add_alias(scope, service, alias, {});
  add_published(scope, file, service);
}

}  // namespace consort::kube

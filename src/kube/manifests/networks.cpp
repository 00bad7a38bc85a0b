// Networks as boundaries: only pods on the same network reach each other, but published ports are open to all.
#include <algorithm>

#include "base/strings.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

std::string network_label(const std::string& key) {
  return "network.consort.dev/" + object_name(key, 20);
}

Json pods_of_network(const Scope& scope, const std::string& key) {
  return Json{{"matchLabels", Json{{label::project, object_name(scope.project.name)}, {network_label(key), "true"}}}};
}

void add_policy(const Scope& scope, const std::string& name, const std::string& service, Json spec) {
  scope.add("", Json{{"apiVersion", "networking.k8s.io/v1"},
                     {"kind", "NetworkPolicy"},
                     {"metadata", metadata(scope, name, service)},
                     {"spec", std::move(spec)}});
}

bool is_internal(const Scope& scope, const project::DesiredNetwork& network) {
  const auto found = scope.project.networks.find(network.key);
  return found != scope.project.networks.end() && found->second.internal;
}

// Allows only DNS to the outside.
void close_to_the_outside(const Scope& scope, const project::DesiredService& service) {
  if (service.networks.empty() || !std::ranges::all_of(service.networks, [&](const project::DesiredNetwork& each) {
        return is_internal(scope, each);
      }))
    return;
  Json peers = Json::array();
  for (const project::DesiredNetwork& network : service.networks)
    peers.push_back(Json{{"podSelector", pods_of_network(scope, network.key)}});
  Json names = Json::array({Json{{"port", 53}, {"protocol", "UDP"}}, Json{{"port", 53}, {"protocol", "TCP"}}});
  add_policy(scope, object_name(service.name, 9) + "-internal", service.name,
             Json{{"podSelector", Json{{"matchLabels", labels_of(scope, service.name)}}},
                  {"policyTypes", Json::array({"Egress"})},
                  {"egress", Json::array({Json{{"to", std::move(peers)}}, Json{{"ports", std::move(names)}}})}});
}

void open_published(const Scope& scope, const project::DesiredService& service) {
  if (service.ports.empty() || service.networks.empty()) return;
  Json ports = Json::array();
  for (const project::DesiredPort& port : service.ports) {
    Json made{{"port", port.container}, {"protocol", to_upper(port.protocol)}};
    if (std::ranges::find(ports, made) == ports.end()) ports.push_back(std::move(made));
  }
  add_policy(scope, object_name(service.name, 10) + "-published", service.name,
             Json{{"podSelector", Json{{"matchLabels", labels_of(scope, service.name)}}},
                  {"policyTypes", Json::array({"Ingress"})},
                  {"ingress", Json::array({Json{{"ports", std::move(ports)}}})}});
}

}  // namespace

Facts facts_of(const compose::Project& project, const project::DesiredProject& desired) {
  Facts facts;
  add_dependency_facts(project, desired, facts);
  std::set<std::string> networks;
  for (const project::DesiredService& service : desired.services) {
    facts.names.insert(object_name(service.name));
    for (const std::string& link : service.container.links) {
      const std::size_t colon = link.find(':');
      if (colon == std::string::npos || link.substr(0, colon) == link.substr(colon + 1)) continue;
      facts.links[link.substr(0, colon)].insert(link.substr(colon + 1));
    }
    for (const project::DesiredNetwork& network : service.networks) networks.insert(network.key);
  }
  facts.separated = networks.size() > 1 || std::ranges::any_of(project.networks, [&](const auto& each) {
                      return each.second.internal && networks.contains(each.first);
                    });
  return facts;
}

void add_network_labels(const Scope& scope, const project::DesiredService& service, Json& labels) {
  if (!scope.facts.separated) return;
  for (const project::DesiredNetwork& network : service.networks) labels[network_label(network.key)] = "true";
}

void add_policies(const Scope& scope) {
  if (!scope.facts.separated) return;
  std::set<std::string> networks;
  for (const project::DesiredService& service : scope.desired.services)
    for (const project::DesiredNetwork& network : service.networks) networks.insert(network.key);
  for (const std::string& key : networks)
    add_policy(
        scope, "network-" + object_name(key, 8), "",
        Json{{"podSelector", pods_of_network(scope, key)},
             {"policyTypes", Json::array({"Ingress"})},
             {"ingress",
              Json::array({Json{{"from", Json::array({Json{{"podSelector", pods_of_network(scope, key)}}})}}})}});
  for (const project::DesiredService& service : scope.desired.services) {
    close_to_the_outside(scope, service);
    open_published(scope, service);
  }
}

}  // namespace consort::kube

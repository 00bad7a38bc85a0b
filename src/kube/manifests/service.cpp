// Names that resolve.
#include <algorithm>
#include <set>

#include "base/narrow.hpp"
#include "base/strings.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

// The name stands for the pods themselves, so that all their ports can be reached, whether the file lists them or not.
enum class Pods : std::uint8_t { all, ready };
Json headless(const Scope& scope, const std::string& name, const project::DesiredService& service, Pods which) {
  Json spec{{"clusterIP", "None"}, {"selector", labels_of(scope, service.name)}};
  if (which == Pods::all) spec["publishNotReadyAddresses"] = true;
  return Json{
      {"apiVersion", "v1"}, {"kind", "Service"}, {"metadata", metadata(scope, name, service.name)}, {"spec", spec}};
}

constexpr std::size_t most_ports = 1000;  // an object has no room for all that a range may say

std::optional<std::uint16_t> port_number(std::string_view text) {
  const auto number = parse_unsigned(text);
  return number ? fitting<std::uint16_t>(*number) : std::nullopt;
}

// The name stands for one address, which stays while pods come and go.
Json with_address(const Scope& scope, const std::string& name, const project::DesiredService& service) {
  Json ports = Json::array();
  std::set<std::pair<std::uint32_t, std::string>> seen;  // what a range and a number say
  for (const InnerPort& each : inner_ports(service))
    for (std::uint32_t number = each.first; number <= each.last && ports.size() <= most_ports; ++number)
      if (seen.emplace(number, each.protocol).second)
        ports.push_back(Json{{"name", each.protocol + "-" + std::to_string(number)},
                             {"port", number},
                             {"targetPort", number},
                             {"protocol", to_upper(each.protocol)}});
  return Json{{"apiVersion", "v1"},
              {"kind", "Service"},
              {"metadata", metadata(scope, name, service.name)},
              {"spec", Json{{"type", "ClusterIP"}, {"selector", labels_of(scope, service.name)}, {"ports", ports}}}};
}

// A single pod's name is there as soon as its container is, as on one machine.
bool leads_to_ready_pods(const Scope& scope, const compose::Service& file, const project::DesiredService& service) {
  return scope.facts.alike.contains(service.name) && (runs_on_each_node(file) || service.replicas > 1);
}

Json named(const Scope& scope, const std::string& name, const project::DesiredService& service) {
  const compose::Service& file = file_of(scope, service);
  if (has_address(scope, file)) return with_address(scope, name, service);
  return headless(scope, name, service, leads_to_ready_pods(scope, file, service) ? Pods::ready : Pods::all);
}

bool wants_address(const compose::Service& file) {
  return file.deploy && file.deploy->endpoint_mode == "vip";
}

void judge_address(const Scope& scope, const compose::Service& file, const project::DesiredService& service) {
  if (!wants_address(file)) return;
  const compose::Strings place{"deploy", "endpoint_mode"};
  if (!has_address(scope, file))
    return scope.warn(service, place, "the name of \"" + service.name + "\" stays that of its pods on Kubernetes",
                      "an address leads to ports: list them under expose, of a service that does not end by itself");
  std::size_t count = 0;
  for (const InnerPort& each : inner_ports(service)) count += each.last - each.first + std::size_t{1};
  if (count > most_ports)
    scope.refuse(service, place,
                 "\"" + service.name + "\" lists " + std::to_string(count) + " ports, too many for an address",
                 "with endpoint_mode: dnsrr, every port can be reached");
}

void add_alias(const Scope& scope, const project::DesiredService& service, const std::string& alias,
               const compose::Strings& place) {
  if (!is_service_name(alias)) {
    scope.warn(service, place, "the name \"" + alias + "\" is left out on Kubernetes",
               "names there consist of lower-case letters, digits and hyphens");
    return;
  }
  if (!scope.facts.names.contains(alias)) scope.add(service.name, named(scope, alias, service));
}

void add_pods_name(const Scope& scope, const project::DesiredService& service) {
  const std::string name = pods_name(service.name);
  if (scope.facts.names.contains(name) || scope.known.contains({"Service", name}))
    scope.refuse(
        service, {},
        "the pods of \"" + service.name + "\" would be called \"" + name + "\" on Kubernetes, which is another service",
        "rename one of them");
  scope.add(service.name, headless(scope, name, service, Pods::all));
}

}  // namespace

std::vector<InnerPort> inner_ports(const project::DesiredService& service) {
  std::vector<InnerPort> all;
  const auto add = [&](const InnerPort& port) {
    if (std::ranges::find(all, port) == all.end()) all.push_back(port);
  };
  for (const project::DesiredPort& port : service.ports) add({port.container, port.container, port.protocol});
  for (const std::string& exposed : service.container.expose) {
    const std::size_t slash = exposed.find('/');
    const std::string protocol = slash == std::string::npos ? "tcp" : exposed.substr(slash + 1);
    const std::string range = exposed.substr(0, slash);
    const std::size_t dash = range.find('-');
    const auto first = port_number(range.substr(0, dash));
    const auto last = dash == std::string::npos ? first : port_number(range.substr(dash + 1));
    if (first && last && *first <= *last) add({*first, *last, protocol});
  }
  return all;
}

bool has_address(const Scope& scope, const compose::Service& file) {
  return wants_address(file) && !(file.ports.empty() && file.expose.empty()) && !scope.facts.ending.contains(file.name);
}

std::string pods_name(std::string_view service) {
  constexpr std::string_view behind = "-pods";
  return object_name(service, behind.size()) + std::string(behind);
}

void add_services(const Scope& scope, const compose::Service& file, const project::DesiredService& service) {
  const std::string name = object_name(service.name);
  judge_address(scope, file, service);
  scope.add(service.name, named(scope, name, service));
  const bool awaited = !scope.options.wait_image.empty() && scope.facts.awaited_start.contains(service.name) &&
                       scope.facts.alike.contains(service.name);
  if (has_address(scope, file) || leads_to_ready_pods(scope, file, service) || awaited) add_pods_name(scope, service);
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

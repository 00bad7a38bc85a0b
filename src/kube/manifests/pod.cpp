// Attributes of a container in the file that belong to the pod on Kubernetes: names, the node's namespaces, scheduling.
#include <algorithm>

#include "base/strings.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

constexpr compose::Duration default_grace = std::chrono::seconds(10);  // Docker's

Json strings(const compose::Strings& list) {
  Json made = Json::array();
  for (const std::string& each : list) made.push_back(each);
  return made;
}

void add_dns(const compose::Service& of_file, Pod& pod) {
  Json dns = Json::object();
  if (!of_file.dns.empty()) dns["nameservers"] = strings(of_file.dns);
  if (!of_file.dns_search.empty()) dns["searches"] = strings(of_file.dns_search);
  for (const std::string& option : of_file.dns_opt) {
    const std::size_t colon = option.find(':');
    Json made{{"name", option.substr(0, colon)}};
    if (colon != std::string::npos) made["value"] = option.substr(colon + 1);
    dns["options"].push_back(std::move(made));
  }
  if (!dns.empty()) pod.spec["dnsConfig"] = std::move(dns);
}

void add_hosts(const Scope& scope, const project::DesiredService& service, Pod& pod) {
  std::map<std::string, Json> by_address;
  for (const auto& [host, addresses] : service.container.extra_hosts)
    for (const std::string& address : addresses) {
      if (address == "host-gateway") {
        scope.refuse(service, {"extra_hosts"}, "extra_hosts: host-gateway is the machine that runs the containers",
                     "use an address that pods can reach");
        continue;
      }
      by_address.try_emplace(address, Json::array()).first->second.push_back(host);
    }
  for (auto& [address, names] : by_address)
    pod.spec["hostAliases"].push_back(Json{{"ip", address}, {"hostnames", std::move(names)}});
}

struct NodeTerm {
  std::string key, op, value;
};

// "node.labels.disk == ssd" and similar; nullopt for Swarm's other constraints.
std::optional<NodeTerm> node_term(const std::string& constraint) {
  for (const auto& [sign, op] : {std::pair("==", "In"), std::pair("!=", "NotIn")}) {
    const std::size_t at = constraint.find(sign);
    if (at == std::string::npos) continue;
    const std::string left(trim(std::string_view(constraint).substr(0, at)));
    const std::string right(trim(std::string_view(constraint).substr(at + 2)));
    constexpr std::pair<std::string_view, std::string_view> known[] = {{"node.hostname", "kubernetes.io/hostname"},
                                                                       {"node.platform.os", "kubernetes.io/os"},
                                                                       {"node.platform.arch", "kubernetes.io/arch"}};
    const auto found = std::ranges::find(known, left, &std::pair<std::string_view, std::string_view>::first);
    if (found != std::end(known)) return NodeTerm{std::string(found->second), op, right};
    if (left.starts_with("node.labels.")) return NodeTerm{left.substr(12), op, right};
  }
  return std::nullopt;
}

void add_constraints(const Scope& scope, const compose::Placement& placement, const project::DesiredService& service,
                     Pod& pod) {
  Json terms = Json::array();
  for (const std::string& constraint : placement.constraints) {
    if (const auto term = node_term(constraint)) {
      terms.push_back(Json{{"key", term->key}, {"operator", term->op}, {"values", Json::array({term->value})}});
    } else {
      scope.refuse(service, {"deploy", "placement", "constraints"},
                   "constraint \"" + constraint + "\" is not supported on Kubernetes",
                   "there are node.labels.KEY, node.hostname, node.platform.os and node.platform.arch");
    }
  }
  if (!terms.empty())
    pod.spec["affinity"]["nodeAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"]["nodeSelectorTerms"] =
        Json::array({Json{{"matchExpressions", std::move(terms)}}});
}

}  // namespace

bool is_annotation_key(std::string_view key) {
  const std::size_t slash = key.rfind('/');
  const std::string_view name = slash == std::string_view::npos ? key : key.substr(slash + 1);
  const auto is_letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
  };
  const auto fits = [&](char c) { return is_letter(c) || c == '-' || c == '_' || c == '.'; };
  if (name.empty() || name.size() > 63 || !std::ranges::all_of(name, fits)) return false;
  if (!is_letter(name.front()) || !is_letter(name.back())) return false;
  if (slash == std::string_view::npos) return true;
  const std::string_view prefix = key.substr(0, slash);
  return !prefix.empty() && prefix.size() <= 253 && is_letter(prefix.front()) && is_letter(prefix.back()) &&
         std::ranges::all_of(prefix, [&](char c) { return fits(c) && c != '_' && (c < 'A' || c > 'Z'); });
}

void add_labels(const Scope& scope, const project::DesiredService& service, const compose::Strings& place,
                const compose::StringMap& labels, Json& annotations) {
  for (const auto& [key, value] : labels) {
    if (is_annotation_key(key)) {
      annotations[key] = value;
      continue;
    }
    compose::Strings path = place;
    path.push_back(key);
    scope.warn(service, path, "label \"" + key + "\" is left out on Kubernetes",
               "a key there is [PREFIX/]NAME, of letters, digits, '-', '_' and '.'");
  }
}

void add_names(const Scope& scope, const project::DesiredService& service, Pod& pod) {
  const compose::Service& of_file = service.container;
  add_labels(scope, service, {"annotations"}, of_file.annotations, pod.annotations);
  add_labels(scope, service, {"labels"}, of_file.labels, pod.annotations);
  if (object_name(service.name) != service.name) pod.annotations[annotation::service] = service.name;
  if (!of_file.hostname.empty()) pod.spec["hostname"] = object_name(of_file.hostname);
  if (of_file.network_mode == "host") {
    pod.spec["hostNetwork"] = true;
    pod.spec["dnsPolicy"] = "ClusterFirstWithHostNet";
  }
  if (of_file.pid == "host") pod.spec["hostPID"] = true;
  if (of_file.ipc == "host") pod.spec["hostIPC"] = true;
  if (of_file.init.value_or(false)) pod.spec["shareProcessNamespace"] = true;
  if (!of_file.runtime.empty()) pod.spec["runtimeClassName"] = object_name(of_file.runtime);
  pod.spec["terminationGracePeriodSeconds"] =
      std::chrono::ceil<std::chrono::seconds>(of_file.stop_grace_period.value_or(default_grace)).count();
  // No attribute of a Compose file needs access to the cluster's API.
  pod.spec["automountServiceAccountToken"] = false;
  // Otherwise every environment would contain the addresses of all services: DB_PORT=tcp://10.0.0.1:5432.
  pod.spec["enableServiceLinks"] = false;
  add_dns(of_file, pod);
  add_hosts(scope, service, pod);
  Json security = Json::object();
  for (const auto& [name, value] : of_file.sysctls)
    security["sysctls"].push_back(Json{{"name", name}, {"value", value}});
  for (const std::string& group : of_file.group_add) {
    if (const auto number = parse_unsigned(group)) {
      security["supplementalGroups"].push_back(*number);
    } else {
      scope.refuse(service, {"group_add"}, "group \"" + group + "\" is a name", "Kubernetes needs numbers");
    }
  }
  if (!security.empty()) pod.spec["securityContext"] = std::move(security);
}

void add_placement(const Scope& scope, const compose::Service& file, const project::DesiredService& service, Pod& pod) {
  if (!file.platform.empty()) {
    const auto parts = split(file.platform, '/');
    pod.spec["nodeSelector"] = Json{{"kubernetes.io/os", parts[0]}};
    if (parts.size() > 1) pod.spec["nodeSelector"]["kubernetes.io/arch"] = parts[1];
  }
  if (!file.deploy) return;
  const compose::Placement& placement = file.deploy->placement;
  add_constraints(scope, placement, service, pod);
  const Json selector{{"matchLabels", labels_of(scope, service.name)}};
  for (const compose::PlacementPreference& preference : placement.preferences) {
    if (!preference.spread.starts_with("node.labels.")) {
      scope.warn(service, {"deploy", "placement", "preferences"},
                 "preference \"" + preference.spread + "\" is left out on Kubernetes", "there is node.labels.KEY");
      continue;
    }
    pod.spec["topologySpreadConstraints"].push_back(Json{{"maxSkew", 1},
                                                         {"topologyKey", preference.spread.substr(12)},
                                                         {"whenUnsatisfiable", "ScheduleAnyway"},
                                                         {"labelSelector", selector}});
  }
  if (placement.max_replicas_per_node == 1)
    pod.spec["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"] =
        Json::array({Json{{"labelSelector", selector}, {"topologyKey", "kubernetes.io/hostname"}}});
}

}  // namespace consort::kube

// Entry points that route requests by host and path: an Ingress, or a Gateway's HTTPRoute.
#include <algorithm>
#include <set>

#include "base/strings.hpp"
#include "kube/manifests/published.hpp"

namespace consort::kube {

namespace {

constexpr std::size_t no_port = SIZE_MAX;
constexpr std::size_t longest_label = 63, longest_name = 253, longest_path = 1024;
constexpr std::string_view digits = "0123456789", letters = "abcdefghijklmnopqrstuvwxyz";

struct Front {
  std::string kind;
  std::string by;          // the Ingress class or the Gateway
  compose::Strings hosts;  // empty: all
  std::string path;        // also matches every path below it
};

// Normalizes the spelling: hosts are case-insensitive, and "/shop/" is the same as "/shop".
Front front_of(const Scope& scope, const compose::Service& file, const std::string& kind) {
  Front made{.kind = kind,
             .by = setting_of(scope, file, kind == "gateway" ? "gateway" : "class"),
             .hosts = {},
             .path = setting_of(scope, file, "path")};
  for (const std::string& each : settings_of(scope, file, "host"))
    if (std::string host = to_lower(each); std::ranges::find(made.hosts, host) == made.hosts.end())
      made.hosts.push_back(std::move(host));
  while (made.path.size() > 1 && made.path.ends_with('/')) made.path.pop_back();
  if (made.path.empty()) made.path = "/";
  return made;
}

// "shop.example.com": the syntax of host and object names (RFC 1123).
bool is_name(std::string_view text) {
  if (text.empty() || text.size() > longest_name) return false;
  return std::ranges::all_of(split(text, '.'), [](const std::string& label) {
    const std::string all = std::string(letters) + std::string(digits) + "-";
    return !label.empty() && label.size() <= longest_label && label.find_first_not_of(all) == std::string::npos &&
           !label.starts_with('-') && !label.ends_with('-');
  });
}

// A host name, not an address. A leading "*." may stand for one label.
bool is_host(std::string_view text) {
  const bool any = text.starts_with("*.");
  if (any) text.remove_prefix(2);
  const std::size_t last = text.rfind('.');
  const std::string_view end = last == std::string_view::npos ? text : text.substr(last + 1);
  return is_name(text) && end.find_first_not_of(digits) != std::string_view::npos;
}

// A path that both kinds accept. One that a server would normalize is refused.
bool is_path(std::string_view text) {
  const std::string all = std::string(letters) + to_upper(letters) + std::string(digits) + "-/._~!$&'()*+,;=:@%";
  if (!text.starts_with('/') || text.size() > longest_path || text.find_first_not_of(all) != std::string_view::npos)
    return false;
  for (std::size_t at = text.find('%'); at != std::string_view::npos; at = text.find('%', at + 1))
    if (!is_hex(text.substr(at + 1, 2)) || text.size() < at + 3 || to_lower(text.substr(at, 3)) == "%2f") return false;
  const compose::Strings parts = split(text.substr(1), '/');
  return std::ranges::none_of(parts, [&](const std::string& part) {
    return part == "." || part == ".." || (part.empty() && parts.size() > 1);
  });
}

bool is_gateway(std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) return is_name(text);
  const std::string_view space = text.substr(0, slash);
  return is_name(space) && space.find('.') == std::string_view::npos && is_name(text.substr(slash + 1));
}

void judge_front(const Scope& scope, const compose::Service& file, const project::DesiredService& service,
                 const Front& front) {
  const auto refuse = [&](std::string_view key, const std::string& value, const char* why, const char* help) {
    refuse_setting(scope, service, key, "\"" + value + "\" " + why, help);
  };
  for (const std::string& host : front.hosts)
    if (!is_host(host))
      refuse("host", host, "is not the name of a host",
             "a name without scheme, port and path, such as shop.example.com or *.example.com");
  if (!is_path(front.path))
    refuse("path", front.path, "is not a path",
           "it begins with \"/\" and has no empty parts, \"..\", queries or patterns");
  const bool routes = front.kind == "gateway";
  if (routes && front.by.empty())
    refuse_setting(scope, service, "publish", "publish: gateway does not say which one",
                   "x-consort: {kubernetes: {gateway: NAME}}, or NAMESPACE/NAME");
  if (routes && !front.by.empty() && !is_gateway(front.by))
    refuse("gateway", front.by, "cannot be the name of a Gateway", "NAME or NAMESPACE/NAME");
  if (!routes && !front.by.empty() && !is_name(front.by))
    refuse("class", front.by, "cannot be the name of an IngressClass", "`kubectl get ingressclass` lists them");
  const std::string secret = setting_of(scope, file, "tls");
  if (!routes && !secret.empty() && !is_name(secret))
    refuse("tls", secret, "cannot be the name of a Secret", "it is the one that has the certificate");
  if (routes)
    for (const char* key : {"class", "tls"})
      if (!setting_of(scope, file, key).empty())
        warn_of_setting(scope, service, key,
                        std::string(key) + " is left out: \"" + service.name + "\" is behind a Gateway",
                        "a Gateway has a class and certificates itself");
}

// The port that speaks HTTP: the one whose name or protocol says so, otherwise the first. TLS ports come last, because
// the entry point does not speak TLS to its backends.
std::size_t front_port(const compose::Service& file, const project::DesiredService& service) {
  const auto says = [&](std::size_t i, std::string_view word) {
    return file.ports[i].name.starts_with(word) || file.ports[i].app_protocol.starts_with(word);
  };
  const auto rank = [&](std::size_t i) { return says(i, "https") ? 2 : says(i, "http") ? 0 : 1; };
  std::size_t found = no_port;
  for (std::size_t i = 0; i < service.ports.size(); ++i)
    if (service.ports[i].protocol == "tcp" && (found == no_port || rank(i) < rank(found))) found = i;
  return found;
}

Json ingress_spec(const Scope& scope, const compose::Service& file, const Front& front, const Json& backend) {
  const Json path{{"path", front.path}, {"pathType", "Prefix"}, {"backend", Json{{"service", backend}}}};
  const Json http{{"paths", Json::array({path})}};
  Json rules = Json::array();
  for (const std::string& host : front.hosts) rules.push_back(Json{{"host", host}, {"http", http}});
  if (rules.empty()) rules.push_back(Json{{"http", http}});
  Json spec{{"rules", std::move(rules)}};
  if (!front.by.empty()) spec["ingressClassName"] = front.by;
  if (const std::string secret = setting_of(scope, file, "tls"); !secret.empty()) {
    Json tls{{"secretName", secret}};
    if (!front.hosts.empty()) tls["hosts"] = front.hosts;
    spec["tls"] = Json::array({std::move(tls)});
  }
  return spec;
}

Json route_spec(const Front& front, Json backend) {
  const std::size_t slash = front.by.find('/');
  Json parent{{"name", front.by.substr(slash == std::string::npos ? 0 : slash + 1)}};
  if (slash != std::string::npos) parent["namespace"] = front.by.substr(0, slash);
  const Json matches = Json::array({Json{{"path", Json{{"type", "PathPrefix"}, {"value", front.path}}}}});
  Json spec{{"parentRefs", Json::array({std::move(parent)})},
            {"rules", Json::array({Json{{"matches", matches}, {"backendRefs", Json::array({std::move(backend)})}}})}};
  if (!front.hosts.empty()) spec["hostnames"] = front.hosts;
  return spec;
}

void warn_of_other_ports(const Scope& scope, const project::DesiredService& service, const std::string& kind,
                         std::size_t chosen) {
  std::set<std::pair<std::uint16_t, std::string>> told;  // a container's port may be published more than once
  const auto add = [&](const project::DesiredPort& port) { return told.emplace(port.container, port.protocol).second; };
  if (chosen != no_port) add(service.ports[chosen]);
  for (std::size_t i = 0; i < service.ports.size(); ++i)
    if (add(service.ports[i]))
      scope.warn(service, {"ports", std::to_string(i)},
                 "port " + std::to_string(service.ports[i].container) + " of \"" + service.name +
                     "\" is not behind the " + kind,
                 "it leads to one port: the first that is named http or has it as app_protocol, else the first");
}

}  // namespace

bool is_front(std::string_view kind) {
  return kind == "ingress" || kind == "gateway";
}

void add_front(const Scope& scope, const compose::Service& file, const project::DesiredService& service,
               const std::string& kind) {
  const std::size_t chosen = front_port(file, service);
  warn_of_other_ports(scope, service, kind, chosen);
  if (chosen == no_port) return;
  const Front front = front_of(scope, file, kind);
  judge_front(scope, file, service, front);
  Json port = service_port(service.ports[chosen], file.ports[chosen]);
  const Json number = port["port"];
  add_open_service(scope, service, "ClusterIP", Json::array({std::move(port)}));
  const std::string published = published_name(service.name);
  const bool routes = kind == "gateway";
  scope.add(service.name,
            Json{{"apiVersion", routes ? "gateway.networking.k8s.io/v1" : "networking.k8s.io/v1"},
                 {"kind", routes ? "HTTPRoute" : "Ingress"},
                 {"metadata", metadata(scope, object_name(service.name), service.name)},
                 {"spec", routes ? route_spec(front, Json{{"name", published}, {"port", number}})
                                 : ingress_spec(scope, file, front,
                                                Json{{"name", published}, {"port", Json{{"number", number}}}})}});
}

void refuse_same_fronts(const Scope& scope) {
  std::map<std::string, std::string> seen;  // maps a requested host and path to the service that answers
  for (const project::DesiredService& service : scope.desired.services) {
    const compose::Service& file = file_of(scope, service);
    const std::string kind = setting_of(scope, file, "publish");
    if (!is_front(kind) || front_port(file, service) == no_port) continue;
    Front front = front_of(scope, file, kind);
    if (front.hosts.empty()) front.hosts.emplace_back();
    for (const std::string& host : front.hosts) {
      const std::string asked = host + front.path;
      const auto [at, fresh] = seen.emplace(kind + " " + front.by + " " + asked, service.name);
      if (!fresh)
        scope.refuse(service, {"ports"},
                     "\"" + at->second + "\" and \"" + service.name + "\" would both answer for " + asked,
                     "give them hosts of their own: x-consort: {kubernetes: {host: NAME}}, or a path");
    }
  }
}

}  // namespace consort::kube

// Ports that are open to the outside, as `x-consort: {kubernetes: {publish: ...}}` chooses for the file or a service.
#include <algorithm>
#include <set>

#include "base/strings.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

constexpr std::size_t no_port = SIZE_MAX;

const compose::Node* setting(const compose::Extensions& extensions, std::string_view key) {
  const auto own = extensions.find("x-consort");
  const compose::Node* kubernetes = own == extensions.end() ? nullptr : own->second.find("kubernetes");
  return kubernetes ? kubernetes->find(key) : nullptr;
}

// The service's own word, else the file's; one text or a list of them.
compose::Strings texts(const Scope& scope, const compose::Service& file, std::string_view key) {
  const compose::Node* found = setting(file.extensions, key);
  if (!found) found = setting(scope.project.extensions, key);
  compose::Strings all;
  if (!found) return all;
  if (!found->is_sequence()) return {found->scalar_text()};
  for (const compose::Node& each : found->items) all.push_back(each.scalar_text());
  return all;
}
std::string text(const Scope& scope, const compose::Service& file, std::string_view key) {
  const auto all = texts(scope, file, key);
  return all.empty() ? "" : all.front();
}

// Where requests come in that are told apart by what they ask for.
struct Front {
  compose::Strings hosts;  // none: all
  std::string path;        // and what is below it
};
Front front_of(const Scope& scope, const compose::Service& file) {
  Front made{.hosts = texts(scope, file, "host"), .path = text(scope, file, "path")};
  if (made.path.empty()) made.path = "/";
  return made;
}
bool is_behind_front(const std::string& kind) {
  return kind == "ingress" || kind == "gateway";
}

Json service_port(const project::DesiredPort& port, const compose::Port& of_file) {
  const std::uint16_t outside = port.host_first ? port.host_first : port.container;
  Json made{
      {"name", !of_file.name.empty() ? object_name(of_file.name, 48) : port.protocol + "-" + std::to_string(outside)},
      {"port", outside},
      {"targetPort", port.container},
      {"protocol", to_upper(port.protocol)}};
  if (!of_file.app_protocol.empty()) made["appProtocol"] = of_file.app_protocol;
  return made;
}

// A Service beside that of the name, which has no address of its own.
void add_open_service(const Scope& scope, const project::DesiredService& service, const char* type, Json ports) {
  scope.add(
      service.name,
      Json{{"apiVersion", "v1"},
           {"kind", "Service"},
           {"metadata", metadata(scope, published_name(service.name), service.name)},
           {"spec", Json{{"type", type}, {"selector", labels_of(scope, service.name)}, {"ports", std::move(ports)}}}});
}

Json all_ports(const compose::Service& file, const project::DesiredService& service) {
  Json ports = Json::array();
  std::set<std::pair<std::uint16_t, std::string>> seen;
  for (std::size_t i = 0; i < service.ports.size(); ++i) {
    const project::DesiredPort& port = service.ports[i];
    if (seen.emplace(port.host_first ? port.host_first : port.container, port.protocol).second)
      ports.push_back(service_port(port, file.ports[i]));
  }
  return ports;
}

// The one that HTTP is spoken at: whose name or protocol says so, else the first.
std::size_t front_port(const compose::Service& file, const project::DesiredService& service) {
  const auto says = [&](std::size_t i) {
    return file.ports[i].name.starts_with("http") || file.ports[i].app_protocol.starts_with("http");
  };
  std::size_t found = no_port;
  for (std::size_t i = 0; i < service.ports.size(); ++i) {
    if (service.ports[i].protocol != "tcp") continue;
    if (says(i)) return i;
    if (found == no_port) found = i;
  }
  return found;
}

Json ingress_spec(const Scope& scope, const compose::Service& file, const Front& front, const Json& backend) {
  const Json path{{"path", front.path}, {"pathType", "Prefix"}, {"backend", Json{{"service", backend}}}};
  const Json http{{"paths", Json::array({path})}};
  Json rules = Json::array();
  for (const std::string& host : front.hosts) rules.push_back(Json{{"host", host}, {"http", http}});
  if (rules.empty()) rules.push_back(Json{{"http", http}});
  Json spec{{"rules", std::move(rules)}};
  if (const std::string name = text(scope, file, "class"); !name.empty()) spec["ingressClassName"] = name;
  if (const std::string secret = text(scope, file, "tls"); !secret.empty()) {
    Json tls{{"secretName", secret}};
    if (!front.hosts.empty()) tls["hosts"] = front.hosts;
    spec["tls"] = Json::array({std::move(tls)});
  }
  return spec;
}

// gateway: "NAME" or "NAMESPACE/NAME".
Json route_spec(const std::string& gateway, const Front& front, Json backend) {
  const std::size_t slash = gateway.find('/');
  Json parent{{"name", gateway.substr(slash == std::string::npos ? 0 : slash + 1)}};
  if (slash != std::string::npos) parent["namespace"] = gateway.substr(0, slash);
  const Json matches = Json::array({Json{{"path", Json{{"type", "PathPrefix"}, {"value", front.path}}}}});
  Json spec{{"parentRefs", Json::array({std::move(parent)})},
            {"rules", Json::array({Json{{"matches", matches}, {"backendRefs", Json::array({std::move(backend)})}}})}};
  if (!front.hosts.empty()) spec["hostnames"] = front.hosts;
  return spec;
}

void add_front(const Scope& scope, const compose::Service& file, const project::DesiredService& service,
               const std::string& kind) {
  const std::size_t chosen = front_port(file, service);
  for (std::size_t i = 0; i < service.ports.size(); ++i)
    if (i != chosen)
      scope.warn(service, {"ports", std::to_string(i)},
                 "port " + std::to_string(service.ports[i].container) + " of \"" + service.name +
                     "\" is not behind the " + kind,
                 "it leads to one port: the first that is named http or has it as app_protocol, else the first");
  if (chosen == no_port) return;
  const std::string gateway = text(scope, file, "gateway"), published = published_name(service.name);
  if (kind == "gateway" && gateway.empty()) {
    scope.refuse(service, {"ports"}, "publish: gateway does not say which one",
                 "x-consort: {kubernetes: {gateway: NAME}}, or NAMESPACE/NAME");
    return;
  }
  Json port = service_port(service.ports[chosen], file.ports[chosen]);
  const Json number = port["port"];
  add_open_service(scope, service, "ClusterIP", Json::array({std::move(port)}));
  const Front front = front_of(scope, file);
  const bool routes = kind == "gateway";
  scope.add(service.name,
            Json{{"apiVersion", routes ? "gateway.networking.k8s.io/v1" : "networking.k8s.io/v1"},
                 {"kind", routes ? "HTTPRoute" : "Ingress"},
                 {"metadata", metadata(scope, object_name(service.name), service.name)},
                 {"spec", routes ? route_spec(gateway, front, Json{{"name", published}, {"port", number}})
                                 : ingress_spec(scope, file, front,
                                                Json{{"name", published}, {"port", Json{{"number", number}}}})}});
}

}  // namespace

std::string published_name(std::string_view service) {
  return object_name(service, 10) + "-published";
}

void add_published(const Scope& scope, const compose::Service& file, const project::DesiredService& service) {
  const std::string kind = text(scope, file, "publish");
  if (kind.empty() || kind == "forward" || service.ports.empty()) return;
  if (is_behind_front(kind)) return add_front(scope, file, service, kind);
  if (kind == "load-balancer") return add_open_service(scope, service, "LoadBalancer", all_ports(file, service));
  if (kind == "node-port") return add_open_service(scope, service, "NodePort", all_ports(file, service));
  scope.refuse(service, {"x-consort"}, "unknown way to publish \"" + kind + "\"",
               "use forward, load-balancer, node-port, ingress or gateway");
}

void refuse_same_fronts(const Scope& scope) {
  std::map<std::string, std::string> seen;  // what is asked for: the service that answers
  for (const project::DesiredService& service : scope.desired.services) {
    const compose::Service& file = file_of(scope, service);
    if (!is_behind_front(text(scope, file, "publish")) || front_port(file, service) == no_port) continue;
    Front front = front_of(scope, file);
    if (front.hosts.empty()) front.hosts.emplace_back();
    for (const std::string& host : front.hosts) {
      const auto [at, fresh] = seen.emplace(host + front.path, service.name);
      if (!fresh)
        scope.refuse(service, {"ports"},
                     "\"" + at->second + "\" and \"" + service.name + "\" would both answer for " + at->first,
                     "give them hosts of their own: x-consort: {kubernetes: {host: NAME}}, or a path");
    }
  }
}

}  // namespace consort::kube

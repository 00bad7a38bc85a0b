// Ports open to the outside, as selected by `x-consort: {kubernetes: {publish: ...}}` for the file or a service.
#include "kube/manifests/published.hpp"

#include <algorithm>
#include <array>
#include <set>

#include "base/strings.hpp"

namespace consort::kube {

namespace {

constexpr std::array<std::string_view, 6> known_settings{"publish", "host", "path", "class", "tls", "gateway"};

const compose::Node* settings_in(const compose::Extensions& extensions) {
  const auto own = extensions.find("x-consort");
  return own == extensions.end() ? nullptr : own->second.find("kubernetes");
}

const compose::Node* setting(const compose::Extensions& extensions, std::string_view key) {
  const compose::Node* kubernetes = settings_in(extensions);
  return kubernetes ? kubernetes->find(key) : nullptr;
}

Mark place_of(const Scope& scope, const project::DesiredService& service, std::string_view key) {
  const compose::Strings below{"x-consort", "kubernetes", std::string(key)};
  compose::Strings own{"services", service.name};
  own.insert(own.end(), below.begin(), below.end());
  if (setting(file_of(scope, service).extensions, key)) return scope.project.locate(own);
  return setting(scope.project.extensions, key) ? scope.project.locate(below) : service.mark;
}

compose::Diagnostic at_setting(const Scope& scope, const project::DesiredService& service, std::string_view key,
                               const std::string& message, const std::string& help) {
  compose::Diagnostic made;
  made.message = message;
  made.help = help;
  made.mark = place_of(scope, service, key);
  made.line_text = scope.project.line_at(made.mark);
  return made;
}

void add_once(compose::Diagnostic made, std::vector<compose::Diagnostic>& to) {
  const bool told = std::ranges::any_of(to, [&](const compose::Diagnostic& each) {
    return each.message == made.message && each.mark.file == made.mark.file && each.mark.line == made.mark.line;
  });
  if (!told) to.push_back(std::move(made));
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

void warn_of_unknown_settings(const Scope& scope, const compose::Extensions& extensions, compose::Strings path) {
  const compose::Node* settings = settings_in(extensions);
  if (!settings) return;
  path.insert(path.end(), {"x-consort", "kubernetes", ""});
  for (const compose::Entry& entry : settings->entries) {
    if (std::ranges::find(known_settings, entry.key) != known_settings.end()) continue;
    path.back() = entry.key;
    scope.warn_at(scope.project.locate(path), join(path, ".") + " is left out: there is no such setting",
                  "there are publish, host, path, class, tls and gateway");
  }
}

}  // namespace

compose::Strings settings_of(const Scope& scope, const compose::Service& file, std::string_view key) {
  const compose::Node* found = setting(file.extensions, key);
  if (!found) found = setting(scope.project.extensions, key);
  compose::Strings all;
  const auto add = [&](const compose::Node& node) {
    if (std::string text = node.is_null() ? "" : node.scalar_text(); !text.empty()) all.push_back(std::move(text));
  };
  if (!found) return all;
  if (found->is_sequence()) {
    for (const compose::Node& each : found->items) add(each);
  } else {
    add(*found);
  }
  return all;
}

std::string setting_of(const Scope& scope, const compose::Service& file, std::string_view key) {
  const auto all = settings_of(scope, file, key);
  return all.empty() ? "" : all.front();
}

void refuse_setting(const Scope& scope, const project::DesiredService& service, std::string_view key,
                    const std::string& message, const std::string& help) {
  compose::Diagnostic made = at_setting(scope, service, key, message, help);
  made.code = "kubernetes-refused";
  add_once(std::move(made), scope.refusals);
}

void warn_of_setting(const Scope& scope, const project::DesiredService& service, std::string_view key,
                     const std::string& message, const std::string& help) {
  compose::Diagnostic made = at_setting(scope, service, key, message, help);
  made.severity = compose::Severity::warning;
  made.code = "kubernetes-left-out";
  add_once(std::move(made), scope.out.notes);
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

void add_open_service(const Scope& scope, const project::DesiredService& service, const char* type, Json ports) {
  const std::string name = published_name(service.name);
  if (scope.facts.names.contains(name) || scope.known.contains({"Service", name}))
    scope.refuse(service, {"ports"},
                 "the ports of \"" + service.name + "\" would be open at a Service called \"" + name +
                     "\", on Kubernetes, which is that of another service",
                 "rename one of them");
  scope.add(service.name,
            Json{{"apiVersion", "v1"},
                 {"kind", "Service"},
                 {"metadata", metadata(scope, name, service.name)},
                 {"spec", Json{{"type", type}, {"selector", labels_of(scope, service.name)}, {"ports", ports}}}});
}

std::string published_name(std::string_view service) {
  return object_name(service, 10) + "-published";
}

void add_published(const Scope& scope, const compose::Service& file, const project::DesiredService& service) {
  const std::string kind = setting_of(scope, file, "publish");
  if (kind.empty() || kind == "forward") return;
  const bool load_balancer = kind == "load-balancer";
  if (!load_balancer && kind != "node-port" && !is_front(kind))
    return refuse_setting(scope, service, "publish", "unknown way to publish \"" + kind + "\"",
                          "use forward, load-balancer, node-port, ingress or gateway");
  if (service.ports.empty()) {
    if (setting(file.extensions, "publish"))
      warn_of_setting(scope, service, "publish", "service \"" + service.name + "\" has no ports to publish",
                      "list them under ports");
    return;
  }
  if (is_front(kind)) return add_front(scope, file, service, kind);
  add_open_service(scope, service, load_balancer ? "LoadBalancer" : "NodePort", all_ports(file, service));
}

void judge_published(const Scope& scope) {
  warn_of_unknown_settings(scope, scope.project.extensions, {});
  for (const project::DesiredService& service : scope.desired.services)
    warn_of_unknown_settings(scope, file_of(scope, service).extensions, {"services", service.name});
  refuse_same_fronts(scope);
}

}  // namespace consort::kube

// The environment becomes a ConfigMap, and a Secret for values that look secret. Both are named after their content, so
// that a change creates a new object and running pods keep theirs.
#include "base/base64.hpp"
#include "compose/provenance.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

// Decided by the variable's name, or by a password in an address: "postgres://lms:secret@db/lms".
bool is_secret(const std::string& name, const std::string& value) {
  if (compose::masked(name, value) != value) return true;
  const std::size_t scheme = value.find("://"), at = value.find('@');
  return scheme != std::string::npos && at != std::string::npos && at > scheme;
}

void add_source(const Scope& scope, const project::DesiredService& service, const char* kind, const Json& data,
                Pod& pod) {
  if (data.empty()) return;
  const bool secret = std::string_view(kind) == "Secret";
  const std::string name =
      object_name(service.name, 20) + (secret ? "-secret-env-" : "-env-") + content_tag(dump_json(data));
  Json object{{"apiVersion", "v1"}, {"kind", kind}, {"metadata", metadata(scope, name, service.name)}};
  if (secret) object["type"] = "Opaque";
  object["immutable"] = true;
  object["data"] = data;
  scope.add(service.name, object);
  pod.container["envFrom"].push_back(Json{{secret ? "secretRef" : "configMapRef", Json{{"name", name}}}});
}

}  // namespace

void add_environment(const Scope& scope, const project::DesiredService& service, Pod& pod) {
  Json open = Json::object(), hidden = Json::object();
  for (const auto& [name, value] : service.container.environment) {
    if (!value) continue;
    if (is_secret(name, *value)) {
      hidden[name] = base64_encode(*value);
    } else {
      open[name] = *value;
    }
  }
  add_source(scope, service, "ConfigMap", open, pod);
  add_source(scope, service, "Secret", hidden, pod);
}

}  // namespace consort::kube

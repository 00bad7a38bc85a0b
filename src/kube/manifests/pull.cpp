// The credentials that nodes need to pull images from registries that require a login.
#include <algorithm>

#include "base/base64.hpp"
#include "image/reference.hpp"
#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

constexpr const char* config_key = ".dockerconfigjson";

// The registry's name in Docker's config.json.
std::string name_in_config(const std::string& registry) {
  return registry == "docker.io" ? "https://index.docker.io/v1/" : registry;
}

}  // namespace

Result<> add_pull_secret(const Scope& scope, Pod& pod) {
  if (!scope.options.password_of) return {};
  std::vector<const Json*> containers{&pod.container};
  if (const Json* before = find_key(pod.spec, "initContainers"))
    for (const Json& each : *before) containers.push_back(&each);
  bool any = false;
  for (const Json* container : containers) {
    const auto reference = image::Reference::parse(get_string(*container, "image"));
    if (!reference) continue;  // the cluster will report it
    const std::string password = TRY(scope.options.password_of(reference->registry));
    if (password.empty()) continue;
    scope.passwords[name_in_config(reference->registry)] = password;
    any = true;
  }
  if (any) pod.spec["imagePullSecrets"] = Json::array({Json{{"name", pull_secret(scope.project.name)}}});
  return {};
}

// The name does not depend on the content: otherwise each new login would replace every pod.
void add_pull_config(const Scope& scope) {
  if (scope.passwords.empty()) return;
  Json auths = Json::object();
  for (const auto& [registry, password] : scope.passwords) auths[registry] = Json{{"auth", base64_encode(password)}};
  const std::string config = dump_json(Json{{"auths", std::move(auths)}});
  scope.add("", Json{{"apiVersion", "v1"},
                     {"kind", "Secret"},
                     {"metadata", metadata(scope, pull_secret(scope.project.name), "")},
                     {"type", "kubernetes.io/dockerconfigjson"},
                     {"data", Json{{config_key, base64_encode(config)}}}});
}

std::map<std::string, std::string> passwords_of(std::string_view secret_json) {
  std::map<std::string, std::string> all;
  const auto secret = parse_json(secret_json, "secret");
  const Json* data = secret ? find_key(*secret, "data") : nullptr;
  const auto config = base64_decode(data ? get_string(*data, config_key) : "");
  const auto value = config ? parse_json(*config, "credentials") : Result<Json>(Json::object());
  const Json* auths = value ? find_key(*value, "auths") : nullptr;
  if (!auths || !auths->is_object()) return all;
  for (const auto& [registry, each] : auths->items()) {
    const auto password = base64_decode(get_string(each, "auth"));
    if (password) all[registry == name_in_config("docker.io") ? "docker.io" : registry] = *password;
  }
  return all;
}

std::string pull_secret(const std::string& project) {
  return object_name(project, 5) + "-pull";
}

}  // namespace consort::kube

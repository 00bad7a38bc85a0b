#include "kube/kinds.hpp"

#include "base/strings.hpp"
#include "base/url.hpp"
#include "image/http.hpp"
#include "kube/manifests.hpp"

namespace consort::kube {

namespace {

constexpr Kind kinds[] = {
    {"Ingress", "/apis/networking.k8s.io/v1", "ingresses", true},
    {"HTTPRoute", "/apis/gateway.networking.k8s.io/v1", "httproutes", true},
    {"CronJob", "/apis/batch/v1", "cronjobs"},
    {"CronJob", "/apis/batch/v1beta1", "cronjobs"},
    {"Deployment", "/apis/apps/v1", "deployments"},
    {"StatefulSet", "/apis/apps/v1", "statefulsets"},
    {"DaemonSet", "/apis/apps/v1", "daemonsets"},
    {"Job", "/apis/batch/v1", "jobs"},
    {"NetworkPolicy", "/apis/networking.k8s.io/v1", "networkpolicies"},
    {"Service", "/api/v1", "services"},
    {"ConfigMap", "/api/v1", "configmaps"},
    {"Secret", "/api/v1", "secrets"},
    {claim_kind, "/api/v1", "persistentvolumeclaims"},
};

}  // namespace

std::span<const Kind> project_kinds() {
  return kinds;
}

std::string path_of(const Kind& kind, std::string_view space, std::string_view name) {
  std::string path = std::string(kind.path) + "/namespaces/" + std::string(space) + "/" + std::string(kind.plural);
  if (!name.empty()) path += "/" + std::string(name);
  return path;
}

std::string path_of(std::string_view api_version, std::string_view kind, std::string_view space,
                    std::string_view name) {
  const std::string path = (api_version == "v1" ? "/api/" : "/apis/") + std::string(api_version);
  std::string plural = to_lower(kind) + "s";
  if (plural.ends_with("ys")) plural.replace(plural.size() - 2, 2, "ies");
  if (plural.ends_with("sss")) plural.replace(plural.size() - 1, 1, "es");
  return path_of(Kind{kind, path, plural}, space, name);
}

std::string with_query(std::string path, const Query& query) {
  char before = path.find('?') == std::string::npos ? '?' : '&';
  for (const auto& [key, value] : query) {
    path += before + key + "=" + url_encode(value);
    before = '&';
  }
  return path;
}

std::string project_selector(std::string_view project) {
  return std::string(label::managed_by) + "=consort," + label::project + "=" + object_name(project);
}
std::string service_selector(std::string_view project, std::string_view service) {
  return project_selector(project) + "," + label::service + "=" + object_name(service);
}

}  // namespace consort::kube

// The kinds of objects that a project may have, and their paths in the API.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace consort::kube {

struct Kind {
  std::string_view name;    // "Deployment"
  std::string_view path;    // "/apis/apps/v1"
  std::string_view plural;  // "deployments"
  bool rare = false;        // few projects have it, and clusters may lack it or deny access
};

// The kinds of a project's objects in the order to remove them: users before what they use, data last.
std::span<const Kind> project_kinds();
inline constexpr std::string_view claim_kind = "PersistentVolumeClaim";

// "/apis/apps/v1/namespaces/lms/deployments/web"; name "": all of them. api_version and kind are an object's fields.
std::string path_of(std::string_view api_version, std::string_view kind, std::string_view space,
                    std::string_view name = {});
std::string path_of(const Kind& kind, std::string_view space, std::string_view name = {});

using Query = std::vector<std::pair<std::string, std::string>>;
std::string with_query(std::string path, const Query& query);
// "app.kubernetes.io/managed-by=consort,app.kubernetes.io/part-of=lms"
std::string project_selector(std::string_view project);
std::string service_selector(std::string_view project, std::string_view service);

}  // namespace consort::kube

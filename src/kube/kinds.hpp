// Where objects are found in the API.
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
  bool rare = false;        // few projects have it, some clusters know it not, and not everybody may ask for it
};

// What a project may consist of; what uses others before what is used, as they are to be removed. Data is the last.
std::span<const Kind> project_kinds();
inline constexpr std::string_view claim_kind = "PersistentVolumeClaim";

// "/apis/apps/v1/namespaces/lms/deployments/web"; name "" for all of them. api_version and kind as objects say them.
std::string path_of(std::string_view api_version, std::string_view kind, std::string_view space,
                    std::string_view name = {});
std::string path_of(const Kind& kind, std::string_view space, std::string_view name = {});

using Query = std::vector<std::pair<std::string, std::string>>;
std::string with_query(std::string path, const Query& query);
// "app.kubernetes.io/managed-by=consort,app.kubernetes.io/part-of=lms"
std::string project_selector(std::string_view project);
std::string service_selector(std::string_view project, std::string_view service);

}  // namespace consort::kube

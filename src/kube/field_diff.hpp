// What of an object a change touches, field by field, for people. Pure.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace consort::kube {

// ".spec.replicas: 2 -> 3", ".spec.template.spec.containers[web].image: ..."; items of lists by their names where they
// have some. What the server keeps for itself (status, versions, who has set what) and the content of Secrets is left
// out. Empty if nothing else differs.
std::vector<std::string> field_diff(const nlohmann::ordered_json& before, const nlohmann::ordered_json& after);

}  // namespace consort::kube

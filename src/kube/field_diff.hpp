// Lists the fields of an object that a change affects, for people. Pure.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

namespace consort::kube {

// ".spec.replicas: 2 -> 3", ".spec.template.spec.containers[web].image: ..."; list items by name if they have one.
// Leaves out the server's own fields (status, versions, managed fields) and the content of Secrets. Empty if nothing
// else differs.
std::vector<std::string> field_diff(const nlohmann::ordered_json& before, const nlohmann::ordered_json& after);

}  // namespace consort::kube

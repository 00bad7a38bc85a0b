// What each attribute of a Compose file is on Kubernetes: the table, for the manifests' warnings and refusals, for
// docs/reference/kubernetes.md, and for the test that walks the language.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "compose/fates.hpp"

namespace consort::kube {

using compose::Fate;
using Attribute = compose::AttributeFate;

std::span<const Attribute> attributes();
compose::FateTable fates();

// The row for a value at a path; null if the table has none.
const Attribute* attribute_for(std::string_view path, std::string_view value);

// Warnings and errors for what the user's files say and the cluster cannot have, with their places; in their order.
std::vector<compose::Diagnostic> judge(const compose::Project& project);

// docs/reference/kubernetes.md
std::string attributes_markdown();

}  // namespace consort::kube

// The table of what each attribute of a Compose file becomes on Kubernetes: for warnings and errors about manifests,
// for docs/reference/kubernetes.md, and for the test that covers the whole language.
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

// The row for a value at a path; null if there is none.
const Attribute* attribute_for(std::string_view path, std::string_view value);

// Warnings and errors about attributes of the user's files that the cluster cannot have, with their positions, in file
// order.
std::vector<compose::Diagnostic> judge(const compose::Project& project);

// docs/reference/kubernetes.md
std::string attributes_markdown();

}  // namespace consort::kube

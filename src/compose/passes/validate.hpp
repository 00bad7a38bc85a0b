// The merged tree against the shapes of schema.hpp. Reports everything that is wrong, each with place, reason, repair.
#pragma once

#include "compose/internal/reporter.hpp"

namespace consort::compose {

void validate(const Node& root, const std::string& file, Reporter& reporter);

}  // namespace consort::compose

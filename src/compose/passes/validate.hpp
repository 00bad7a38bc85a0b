// The merged tree against the shapes of schema.hpp. Reports everything that is wrong, each with place, reason, repair.
#pragma once

#include "compose/internal/reporter.hpp"

namespace consort::compose {

void validate(const Node& root, const std::string& file, Reporter& reporter);

// A file that is only extended is not held against the schema, but Docker Compose refuses items that it cannot compare
// when it removes repeated ones, even in services that nobody extends.
void validate_extended(const Node& root, const std::string& file, Reporter& reporter);

}  // namespace consort::compose

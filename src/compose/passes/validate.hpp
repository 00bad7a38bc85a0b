// Validates the merged tree against the shapes of schema.hpp. Reports every problem with position, reason and fix.
#pragma once

#include "compose/internal/reporter.hpp"

namespace consort::compose {

void validate(const Node& root, const std::string& file, Reporter& reporter);

// A file that is only extended is not validated against the schema, but Docker Compose rejects items that it cannot
// compare when it removes duplicates, even in services that are not extended.
void validate_extended(const Node& root, const std::string& file, Reporter& reporter);

}  // namespace consort::compose

// Volumes as `volumes` and `volume ls` print them, here and for a cluster.
#pragma once

#include <vector>

#include "cli/invocation.hpp"
#include "cli/render/template.hpp"

namespace consort::cli {

// As --quiet and --format ask. Each row has the fields Driver and Name; heads: a row of which only the heads count.
Result<int> print_volume_rows(const Invocation& invocation, const std::vector<FormatRow>& rows, const FormatRow& heads);

}  // namespace consort::cli

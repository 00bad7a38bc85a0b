// Volumes as `volumes` and `volume ls` print them, for this machine and for clusters.
#pragma once

#include <vector>

#include "cli/invocation.hpp"
#include "cli/render/template.hpp"

namespace consort::cli {

// Honours --quiet and --format. Each row has the fields Driver and Name; heads: a row of which only the heads are used.
Result<int> print_volume_rows(const Invocation& invocation, const std::vector<FormatRow>& rows, const FormatRow& heads);

}  // namespace consort::cli

// The registry that a cluster pulls from, remembered for each context of the user's configuration.
#pragma once

#include <string>

#include "base/error.hpp"
#include "cli/commands/cluster/cluster.hpp"

namespace consort::cli {

// --registry, CONSORT_REGISTRY, or the one that was named the last time for this context; "": none.
Result<std::string> registry_of(const Invocation& invocation, const ClusterTarget& target);
// What was named on the command line is for next time, too. What cannot be written is only told.
void remember_registry(const Invocation& invocation, const ClusterTarget& target);

}  // namespace consort::cli

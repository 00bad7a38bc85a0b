// The registry that a cluster pulls from, remembered for each context in the user's configuration.
#pragma once

#include <string>

#include "base/error.hpp"
#include "cli/commands/cluster/cluster.hpp"

namespace consort::cli {

// --registry, CONSORT_REGISTRY, or the one last given for this context; "": none.
Result<std::string> registry_of(const Invocation& invocation, const ClusterTarget& target);
// Stores the registry given on the command line for the next command. Failure to store it is only a warning.
void remember_registry(const Invocation& invocation, const ClusterTarget& target);

}  // namespace consort::cli

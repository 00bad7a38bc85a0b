// Handlers of internal commands that supervisors run.
#pragma once

#include "cli/invocation.hpp"

namespace consort::cli {

Result<int> run_internal_remove_ended(Invocation& invocation);

}  // namespace consort::cli

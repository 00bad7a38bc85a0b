// watch, as a command of its own and below `up`.
#pragma once

#include "cli/invocation.hpp"

namespace consort::cli {

Result<int> run_watch(Invocation& invocation);

}  // namespace consort::cli

// watch, as a command and as part of `up`.
#pragma once

#include "cli/invocation.hpp"
#include "project/watch/reactor.hpp"

namespace consort::cli {

Result<int> run_watch(Invocation& invocation);
// Options for reacting to changes, from the flags, with the progress output. Borrows the invocation.
project::ReactOptions react_options(const Invocation& invocation);

}  // namespace consort::cli

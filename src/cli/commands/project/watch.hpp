// watch, as a command of its own and below `up`.
#pragma once

#include "cli/invocation.hpp"
#include "project/watch/reactor.hpp"

namespace consort::cli {

Result<int> run_watch(Invocation& invocation);
// What the flags say of reactions, and where they are told. Borrows the invocation.
project::ReactOptions react_options(const Invocation& invocation);

}  // namespace consort::cli

// What watch, as a command of its own, has in common with that of a cluster.
#pragma once

#include "cli/invocation.hpp"
#include "project/watch/reactor.hpp"

namespace consort::cli {

// What the flags say of reactions, and where they are told. Borrows the invocation.
project::ReactOptions react_options(const Invocation& invocation);

}  // namespace consort::cli

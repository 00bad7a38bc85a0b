// Commands that run steps of a build start containers in their own process: they must not offer the program's file to
// them (engine/seal.hpp).
#pragma once

#include "cli/invocation.hpp"

namespace consort::cli {

// Starts the same command again from a sealed file, unless it runs from one. To be called before the command has done
// anything. Returns where that is not possible, too: then the build goes on without.
void seal_program(const Invocation& invocation);

}  // namespace consort::cli

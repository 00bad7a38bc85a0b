// Builds whose RUN steps are on a network of the engine's, with the names on it: they are in the network namespace of a
// container that is there already, or of one that does nothing but wait for as long as the build goes on.
#pragma once

#include <string>

#include "engine/builds.hpp"
#include "engine/engine.hpp"

namespace consort::engine {

struct JoinedNetwork {
  std::string mode;     // a network's name or id, or "container:NAME"
  std::string project;  // of the container that waits
};

// Like Builds::run().
Result<build::BuildResult> build_on_network(const Engine& engine, const build::BuildRequest& request,
                                            const BuildRun& run, const JoinedNetwork& network);

}  // namespace consort::engine

// Builds whose RUN steps are on one of the engine's networks and resolve its names: they run in the network namespace
// of an existing container, or of one that only waits until the build ends.
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

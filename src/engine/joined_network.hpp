// Builds whose RUN steps use one of the engine's networks and resolve names on it. The steps run in the network
// namespace of an existing container, or of a helper container that exists for the duration of the build.
#pragma once

#include <string>

#include "engine/builds.hpp"
#include "engine/engine.hpp"

namespace consort::engine {

struct JoinedNetwork {
  std::string mode;     // name or ID of a network, or "container:NAME"
  std::string project;  // of the helper container
};

// Like Builds::run().
Result<build::BuildResult> build_on_network(const Engine& engine, const build::BuildRequest& request,
                                            const BuildRun& run, const JoinedNetwork& network);

}  // namespace consort::engine

// Pruning this machine's build cache.
#pragma once

#include "build/cache.hpp"
#include "engine/engine.hpp"
#include "image/image.hpp"

namespace consort::engine {

// Removes the parts of the build cache that `prune` selects, and the layers that are then no longer needed.
Result<image::PruneReport> prune_build_cache(Engine& engine, const build::CachePrune& prune);

}  // namespace consort::engine

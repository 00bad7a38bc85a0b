// The build cache of this machine, for those who make it smaller.
#pragma once

#include "build/cache.hpp"
#include "engine/engine.hpp"
#include "image/image.hpp"

namespace consort::engine {

// Removes of the build cache what `prune` says, and with it the layers that nobody needs any more.
Result<image::PruneReport> prune_build_cache(Engine& engine, const build::CachePrune& prune);

}  // namespace consort::engine

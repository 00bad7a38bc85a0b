#include "engine/build_cache.hpp"

#include "engine/images.hpp"
#include "image/store.hpp"

namespace consort::engine {

Result<image::PruneReport> prune_build_cache(Engine& engine, const build::CachePrune& prune) {
  image::Store store = TRY(image::Store::open(engine.roots()));
  TRY(build::forget_cache(store, prune));
  return engine.images().prune(
      {.what = {.images = image::PruneOptions::Images::none, .mode = image::PruneOptions::Mode::act}});
}

}  // namespace consort::engine

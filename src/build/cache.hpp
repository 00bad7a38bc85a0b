// Pruning the build cache.
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.hpp"
#include "base/time.hpp"

namespace consort::image {
class Store;
}

namespace consort::build {

// Which steps to remove: all of them by default.
struct CachePrune {
  std::optional<SystemTime> unused_since{};  // only what was not used since then
  // Sizes in bytes; 0: not set. Of the layers that only the cache needs, removes enough to stay below `max_used` and to
  // keep `min_free` of the disk free, but nothing once it is below `reserved`.
  std::uint64_t reserved = 0;
  std::uint64_t max_used = 0;
  std::uint64_t min_free = 0;

  bool has_size() const { return reserved > 0 || max_used > 0 || min_free > 0; }
};

// Removes the steps and releases their layers, which the next prune of the store then deletes. When pruning by size,
// the least recently used steps are removed first, and no step before those that were built on top of it.
Result<> forget_cache(image::Store& store, const CachePrune& prune = {});
// How many bytes the cache may keep if it needs `used` now. nullopt: all of them.
std::optional<std::uint64_t> bytes_to_keep(const CachePrune& prune, std::uint64_t used, std::uint64_t free);

}  // namespace consort::build

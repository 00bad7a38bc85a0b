// The build cache as a whole, for those who do not build.
#pragma once

#include <cstdint>
#include <optional>

#include "base/error.hpp"
#include "base/time.hpp"

namespace consort::image {
class Store;
}

namespace consort::build {

// What is to be forgotten: every step, or less.
struct CachePrune {
  std::optional<SystemTime> unused_since{};  // only what was not used since then
  // In bytes, 0: not said. Of what the cache needs alone so much goes that it is below `max_used` and that `min_free`
  // of the disk is free, but nothing once it is below `reserved`.
  std::uint64_t reserved = 0;
  std::uint64_t max_used = 0;
  std::uint64_t min_free = 0;

  bool has_size() const { return reserved > 0 || max_used > 0 || min_free > 0; }
};

// Forgets the steps, and lets go of their layers: a prune of the store takes them then. Of what may go by its size that
// goes first which was used the longest ago, and no step before those that were made on it.
Result<> forget_cache(image::Store& store, const CachePrune& prune = {});
// How many bytes the cache may keep that needs `used` now. nullopt: all.
std::optional<std::uint64_t> bytes_to_keep(const CachePrune& prune, std::uint64_t used, std::uint64_t free);

}  // namespace consort::build

// The build cache as a whole, for those who do not build.
#pragma once

#include <optional>

#include "base/error.hpp"
#include "base/time.hpp"

namespace consort::image {
class Store;
}

namespace consort::build {

// Forgets every step, or those that were not used since then, and lets go of their layers: a prune of the store takes
// them then.
Result<> forget_cache(image::Store& store, std::optional<SystemTime> unused_since = {});

}  // namespace consort::build

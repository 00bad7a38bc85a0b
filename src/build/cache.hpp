// The build cache as a whole, for those who do not build.
#pragma once

#include "base/error.hpp"

namespace consort::image {
class Store;
}

namespace consort::build {

// Forgets every step, and lets go of their layers: a prune of the store takes them then.
Result<> forget_cache(image::Store& store);

}  // namespace consort::build

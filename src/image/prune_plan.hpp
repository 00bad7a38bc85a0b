// Calculates what a prune would free once other holders have released their content.
#pragma once

#include <string>

#include "image/store.hpp"

namespace consort::image {

// As Store::prune() in plan mode, but holders whose name starts with `forgotten` ("build:") count as already gone.
Result<PruneReport> plan_prune(const Store& store, PruneOptions::Images images, const ImageUsers& users,
                               const std::string& forgotten);

}  // namespace consort::image

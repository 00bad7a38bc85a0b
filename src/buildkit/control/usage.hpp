// Build cache usage, as `docker buildx du` and `prune` list it.
#pragma once

#include <vector>

#include "control.pb.h"
#include "image/image.hpp"

namespace consort::buildkit {

std::vector<wire::UsageRecord> cache_records(const image::PruneReport& report);

}  // namespace consort::buildkit

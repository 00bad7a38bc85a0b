// The packed form of a layer, made when it is first needed for a push.
#pragma once

#include <functional>
#include <stop_token>

#include "image/progress.hpp"
#include "image/registry/manifest.hpp"
#include "image/store.hpp"

namespace consort::image {

// What the layer is as a blob of the store: as it came, or packed now with gzip. Media types are Docker's for gzip,
// OCI's for the others.
Result<Descriptor> packed_layer(Store& store, const LayerInfo& layer, std::stop_token cancel,
                                const std::function<void(std::uint64_t)>& on_bytes);

}  // namespace consort::image

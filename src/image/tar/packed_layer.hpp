// Creates the compressed form of a layer when a push first needs it.
#pragma once

#include <functional>
#include <stop_token>

#include "image/progress.hpp"
#include "image/registry/manifest.hpp"
#include "image/store.hpp"

namespace consort::image {

// Describes the layer as a blob of the store: the one it was pulled as, or one compressed now with gzip. gzip has
// Docker's media types, other formats have OCI's.
Result<Descriptor> packed_layer(Store& store, const LayerInfo& layer, std::stop_token cancel,
                                const std::function<void(std::uint64_t)>& on_bytes);

}  // namespace consort::image

// Fetches a layer from a registry: downloads, verifies, decompresses and unpacks it at the same time.
#pragma once

#include <stop_token>

#include "image/layer_tar.hpp"
#include "image/registry/manifest.hpp"
#include "image/registry/registry.hpp"
#include "image/store.hpp"
#include "image/store/reporter.hpp"

namespace consort::image {

struct FetchContext {
  UnpackLimits limits;
  std::stop_token cancel;
  Reporter& report;
};

// Does not check whether the layer is already there.
Result<LayerInfo> fetch_layer(Store& store, Registry& registry, const Descriptor& layer, const Digest& diff_id,
                              const FetchContext& context);

}  // namespace consort::image

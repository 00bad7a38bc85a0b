// Imports a compressed layer from any source into the store: decompresses, hashes and unpacks it in one pass.
#pragma once

#include <optional>
#include <stop_token>

#include "image/layer_tar.hpp"
#include "image/store.hpp"
#include "image/transfer.hpp"

namespace consort::image {

// Limits for one layer: the caller's, else CONSORT_MAX_LAYER_SIZE (bytes, or with k, m, g, t), else 64 GiB.
Result<UnpackLimits> layer_limits(const PullOptions& options);

struct LayerImport {
  std::optional<Digest> expected_diff_id;  // if it differs: Code::invalid, and nothing is committed
  std::optional<Digest> blob;              // the compressed form, if the store keeps it
  UnpackLimits limits;
  std::stop_token cancel;
  std::function<void(std::uint64_t)> on_bytes;
};

// Reads the source to its end.
Result<LayerInfo> import_layer(Store& store, const ByteSource& packed, const LayerImport& wanted);

// Imports a layer from a file of ours on the store's file system, which becomes the layer's blob. digest: the digest
// that the file must have.
Result<LayerInfo> import_layer_file(Store& store, const std::string& path, const std::optional<Digest>& digest,
                                    const LayerImport& wanted);

}  // namespace consort::image

// A packed layer, from wherever it comes, becomes a layer of the store: decompressed, hashed and unpacked in one pass.
#pragma once

#include <optional>
#include <stop_token>

#include "image/layer_tar.hpp"
#include "image/store.hpp"
#include "image/transfer.hpp"

namespace consort::image {

// Of one layer: what the caller says, else CONSORT_MAX_LAYER_SIZE (bytes, or with k, m, g, t), else 64 GiB.
Result<UnpackLimits> layer_limits(const PullOptions& options);

struct LayerImport {
  std::optional<Digest> expected_diff_id;  // another one is Code::invalid, and nothing is committed
  std::optional<Digest> blob;              // the packed form, if the store keeps it
  UnpackLimits limits;
  std::stop_token cancel;
  std::function<void(std::uint64_t)> on_bytes;
};

// The source is read to its end.
Result<LayerInfo> import_layer(Store& store, const ByteSource& packed, const LayerImport& wanted);

// A layer that is in a file of ours, on the store's file system: the file becomes the layer's blob. digest: what the
// file must have.
Result<LayerInfo> import_layer_file(Store& store, const std::string& path, const std::optional<Digest>& digest,
                                    const LayerImport& wanted);

}  // namespace consort::image

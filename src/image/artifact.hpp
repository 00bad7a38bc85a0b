// Manifests whose parts are wanted one by one, at a registry or in a directory with an OCI layout: the configuration is
// read at once, a layer when it is asked for. What the configuration means is the caller's business: it is an image's,
// or has a media type of its own. A directory is written as image-spec's image-layout.md says, a registry is spoken to
// as for images.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/transfer.hpp"

namespace consort::image {

// A manifest in a layout, by its digest, else by the tag that index.json gives it. With neither: the one tagged
// "latest", else the only one.
struct LayoutPlace {
  std::string folder;
  std::string tag;
  std::optional<Digest> digest;

  // "DIR", "DIR:TAG" or "DIR@DIGEST", what follows "oci-layout://". Code::invalid if the digest is none.
  static Result<LayoutPlace> parse(std::string_view text);
};

class Artifact {
 public:
  virtual ~Artifact() = default;

  const std::string& config_type() const { return config_type_; }  // media type
  const std::string& config() const { return config_; }            // it has the digest that the manifest names
  std::size_t layer_count() const { return blobs_.size(); }
  // Brings a layer into the store, unless one with this diff ID is there. Its size, digest and diff ID are checked:
  // Code::invalid. May be called from several threads. The caller has a Session.
  Result<LayerInfo> layer(std::size_t index, const Digest& diff_id);

 protected:
  struct Blob {
    std::string media_type;
    Digest digest;
    std::uint64_t size;
  };
  Artifact(Store& store, PullOptions options) : store_(store), options_(std::move(options)) {}
  virtual Result<LayerInfo> fetch(const Blob& blob, const Digest& diff_id) = 0;

  Store& store_;
  PullOptions options_;
  std::string config_type_;
  std::string config_;
  std::vector<Blob> blobs_;  // base first
};

// Indexes are followed to options.platform. The store is borrowed. Not there: Code::not_found.
Result<std::unique_ptr<Artifact>> open_artifact(Store& store, const Reference& reference, const PullOptions& options);
Result<std::unique_ptr<Artifact>> open_artifact(Store& store, const LayoutPlace& place, const PullOptions& options);

struct NewArtifact {
  std::string config_type;
  std::string config;
  std::vector<LayerInfo> layers;  // of the store; packed now if they are not
};
// Both give the manifest's digest. Needs a Session.
Result<Digest> push_artifact(Store& store, const Reference& reference, const NewArtifact& artifact,
                             const PushOptions& options, const Progress& progress = {});
// The directory is made if it is missing. What index.json says of other tags stays, and so do their blobs; its writers
// take turns, and a reader sees the old manifest or the new one.
Result<Digest> write_artifact(Store& store, const std::string& folder, const std::string& tag,
                              const NewArtifact& artifact, const std::stop_token& cancel = {});

}  // namespace consort::image

// Manifests whose parts are read one by one, from a registry or from a directory in OCI layout: the configuration is
// read at once, each layer on request. The caller interprets the configuration, which is that of an image or has a
// media type of its own. Directories follow image-spec's image-layout.md; registries are accessed as for images.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "image/transfer.hpp"

namespace consort::image {

// A manifest in a layout: by digest, else by its tag in index.json. With neither: the one tagged "latest", else the
// only one.
struct LayoutPlace {
  std::string directory;
  std::string tag;
  std::optional<Digest> digest;

  // Parses "DIR", "DIR:TAG" or "DIR@DIGEST", the part after "oci-layout://". Code::invalid if the digest is malformed.
  static Result<LayoutPlace> parse(std::string_view text);
};

class Artifact {
 public:
  virtual ~Artifact() = default;

  const std::string& config_type() const { return config_type_; }  // media type
  const std::string& config() const { return config_; }            // matches the digest in the manifest
  std::size_t layer_count() const { return blobs_.size(); }
  // Brings a layer into the store unless one with this diff ID is already there. Checks its size, digest and diff ID
  // (Code::invalid). May be called from several threads. The caller holds a Session.
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

// Indexes are resolved to options.platform. The store is borrowed. Code::not_found if there is no such manifest.
Result<std::unique_ptr<Artifact>> open_artifact(Store& store, const Reference& reference, const PullOptions& options);
Result<std::unique_ptr<Artifact>> open_artifact(Store& store, const LayoutPlace& place, const PullOptions& options);

struct NewArtifact {
  std::string config_type;
  std::string config;
  std::vector<LayerInfo> layers;  // layers of the store; compressed now unless they already are
};
// Both return the manifest's digest and require a Session.
Result<Digest> push_artifact(Store& store, const Reference& reference, const NewArtifact& artifact,
                             const PushOptions& options, const Progress& progress = {});
// Creates the directory if it is missing. The other tags in index.json and their blobs are kept. Writers take turns,
// and a reader sees either the old manifest or the new one.
Result<Digest> write_artifact(Store& store, const std::string& directory, const std::string& tag,
                              const NewArtifact& artifact, const std::stop_token& cancel = {});

}  // namespace consort::image

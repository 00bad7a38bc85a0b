// Writes an artifact to a directory with an OCI layout, and creates its manifest for that layout and for a registry.
#include <fcntl.h>
#include <unistd.h>

#include <array>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/files/flock.hpp"
#include "image/artifact.hpp"
#include "image/registry/artifact_manifest.hpp"
#include "image/tar/packed_layer.hpp"

namespace consort::image {

namespace {

constexpr const char* name_annotation = "org.opencontainers.image.ref.name";

Result<> copy_blob(const Store& store, const Digest& digest, const std::string& to, const std::stop_token& cancel) {
  if (path_exists(to)) return {};
  const std::string draft = to + ".draft";
  {
    const Fd from = TRY(open_file(store.blob_path(digest), O_RDONLY));
    const Fd into = TRY(open_file(draft, O_WRONLY | O_CREAT | O_TRUNC, 0644));
    std::vector<std::byte> buffer(1 << 20);
    for (;;) {
      if (cancel.stop_requested()) return fail(Code::interrupted, "write", to);
      const std::size_t got = TRY(read_some(from.get(), buffer));
      if (got == 0) break;
      TRY_WRAP(write_full(into.get(), std::span(buffer).first(got)), "write", to);
    }
  }
  return rename_path(draft, to);
}

// One writer at a time.
Result<Fd> lock_directory(const std::string& directory, const std::stop_token& cancel) {
  Fd lock = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  TRY(lock_exclusive(lock.get(), directory, {.cancel = cancel}));
  return lock;
}

// index.json with the tag on this manifest only; a file that is not an index is refused, not replaced.
Result<std::string> index_with(const std::string& path, const std::string& tag, const Manifest& manifest,
                               std::string_view text) {
  Json manifests = Json::array();
  if (path_exists(path)) {
    const std::string before = TRY(read_file(path, max_manifest_bytes));
    const auto known = TRY(parse_any_manifest(before, media::oci_index, path));
    if (!known.index) return fail(Error(Code::invalid, "write").on(path).why("it is not the index of an OCI layout"));
    const Json root = TRY(parse_json(before, path));
    for (const Json& entry : *find_key(root, "manifests")) {
      const Json* notes = find_key(entry, "annotations");
      if (!notes || get_string(*notes, name_annotation) != tag) manifests.push_back(entry);
    }
  }
  manifests.push_back(Json{{"mediaType", manifest.media_type},
                           {"digest", Digest::of(text).text()},
                           {"size", text.size()},
                           {"annotations", Json{{name_annotation, tag}}}});
  return dump_json(Json{{"schemaVersion", 2}, {"mediaType", media::oci_index}, {"manifests", std::move(manifests)}});
}

}  // namespace

Manifest artifact_manifest(const NewArtifact& artifact, const Digest& config, std::vector<Descriptor> layers) {
  for (Descriptor& layer : layers)
    if (layer.media_type == media::docker_layer_gzip) layer.media_type = media::oci_layer_gzip;
  Descriptor described{artifact.config_type, config, artifact.config.size(), {}, {}, {}, false, {}};
  return {std::string(media::oci_manifest), std::move(described), std::move(layers)};
}

Result<Digest> write_artifact(Store& store, const std::string& directory, const std::string& tag,
                              const NewArtifact& artifact, const std::stop_token& cancel) {
  std::vector<Descriptor> layers;
  for (const LayerInfo& layer : artifact.layers) layers.push_back(TRY(packed_layer(store, layer, cancel, {})));
  const Digest config = TRY(store.write_blob(artifact.config));
  const Manifest manifest = artifact_manifest(artifact, config, std::move(layers));
  const std::string text = format_manifest(manifest);
  const std::string blobs = directory + "/blobs/sha256/";
  TRY(make_directories(blobs));
  const Fd lock = TRY(lock_directory(directory, cancel));
  for (const Descriptor& layer : manifest.layers)
    TRY(copy_blob(store, layer.digest, blobs + layer.digest.hex(), cancel));
  TRY(write_file_atomic(blobs + config.hex(), artifact.config));
  Digest digest = Digest::of(text);
  TRY(write_file_atomic(blobs + digest.hex(), text));
  TRY(write_file_atomic(directory + "/oci-layout", R"({"imageLayoutVersion":"1.0.0"})"));
  const std::string index = directory + "/index.json";
  TRY(write_file_atomic(index, TRY(index_with(index, tag, manifest, text))));
  return digest;
}

}  // namespace consort::image

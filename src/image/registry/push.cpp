#include <fcntl.h>

#include <algorithm>
#include <atomic>
#include <map>
#include <thread>

#include "base/os/files/file.hpp"
#include "image/artifact.hpp"
#include "image/registry/artifact_manifest.hpp"
#include "image/registry/registry.hpp"
#include "image/store/reporter.hpp"
#include "image/store/store_state.hpp"
#include "image/tar/packed_layer.hpp"
#include "image/transfer.hpp"

namespace consort::image {

namespace {

constexpr unsigned parallel_uploads = 4;
constexpr std::size_t most_sources = 3;  // repositories to try for a layer

class Pusher {
 public:
  Pusher(Store& store, Registry& registry, const PushOptions& options, Reporter& report)
      : store_(store), registry_(registry), options_(options), report_(report) {}

  Result<std::vector<Descriptor>> push_layers(const Image& image, const std::vector<LayerInfo>& layers);
  // id: the name in the progress output, "" if not shown. layer_id: in the store, "" if it is not a layer.
  Result<> push_blob(const Descriptor& blob, const std::string& id, const std::string& layer_id = {});

 private:
  Result<> find_sources(const Image& image, const std::vector<LayerInfo>& layers);
  std::vector<std::string> repositories_here(const Image& image) const;
  Result<Descriptor> push_layer(const LayerInfo& layer);
  Result<bool> mount_from_elsewhere(const Digest& blob, const std::string& layer_id);

  Store& store_;
  Registry& registry_;
  const PushOptions& options_;
  Reporter& report_;
  // Repositories on the same registry that may have a layer.
  std::map<std::string, std::vector<std::string>> sources_;
};

// Collects repositories on this registry that may have the layers: those of local images that contain one of them and
// were pulled from or pushed to it. The repositories of this image come first.
Result<> Pusher::find_sources(const Image& image, const std::vector<LayerInfo>& layers) {
  std::vector<Image> others = TRY(store_.list());
  std::ranges::stable_partition(others, [&](const Image& other) { return other.id == image.id; });
  std::vector<std::string> repositories;
  for (const Image& other : others) {
    const std::vector<std::string> here = repositories_here(other);
    if (here.empty()) continue;
    for (const LayerInfo& layer : TRY(store_.layers_of(other))) {
      if (std::ranges::find(layers, layer.id, &LayerInfo::id) == layers.end()) continue;
      for (const std::string& repository : here) {
        auto& known = sources_[layer.id];
        if (known.size() >= most_sources || std::ranges::find(known, repository) != known.end()) continue;
        known.push_back(repository);
        if (std::ranges::find(repositories, repository) == repositories.end()) repositories.push_back(repository);
      }
    }
  }
  registry_.will_mount_from(std::move(repositories));
  return {};
}

std::vector<std::string> Pusher::repositories_here(const Image& image) const {
  std::vector<std::string> found;
  for (const std::string& text : image.digests) {
    const auto known = Reference::parse(text);
    if (known && known->registry == registry_.name() && known->repository != registry_.repository())
      found.push_back(known->repository);
  }
  return found;
}

Result<std::vector<Descriptor>> Pusher::push_layers(const Image& image, const std::vector<LayerInfo>& layers) {
  TRY(find_sources(image, layers));
  std::vector<std::optional<Descriptor>> done(layers.size());
  std::optional<Error> error;
  std::mutex mutex;
  std::atomic<std::size_t> next{0};
  const auto work = [&] {
    for (std::size_t i = next++; i < layers.size(); i = next++) {
      Result<Descriptor> pushed = push_layer(layers[i]);
      const std::scoped_lock lock(mutex);
      if (error) return;
      if (!pushed) {
        error = std::move(pushed).error();
        return;
      }
      done[i] = std::move(*pushed);
    }
  };
  {
    std::vector<std::jthread> workers;
    for (unsigned i = 0; i < std::min<std::size_t>(parallel_uploads, layers.size()); ++i) workers.emplace_back(work);
  }
  if (error) return fail(std::move(*error));
  std::vector<Descriptor> descriptors;
  for (auto& descriptor : done)
    if (descriptor) descriptors.push_back(std::move(*descriptor));  // all of them exist, because none has failed
  return descriptors;
}

Result<Descriptor> Pusher::push_layer(const LayerInfo& layer) {
  const std::string id = (layer.diff_id ? layer.diff_id->hex() : layer.id).substr(0, 12);
  report_(id, Phase::preparing, 0, layer.size);
  Descriptor blob = TRY(packed_layer(store_, layer, options_.cancel, [&](std::uint64_t bytes) {
    report_.bytes(id, Phase::preparing, bytes, layer.size);
  }));
  TRY_WRAP(push_blob(blob, id, layer.id), "layer " + id);
  return blob;
}

Result<bool> Pusher::mount_from_elsewhere(const Digest& blob, const std::string& layer_id) {
  const auto found = sources_.find(layer_id);
  if (found == sources_.end()) return false;
  for (const std::string& source : found->second)
    if (TRY(registry_.mount_blob(blob, source))) return true;
  return false;
}

Result<> Pusher::push_blob(const Descriptor& blob, const std::string& id, const std::string& layer_id) {
  if (TRY(registry_.has_blob(blob.digest))) {
    if (!id.empty()) report_(id, Phase::exists);
    return {};
  }
  if (TRY(mount_from_elsewhere(blob.digest, layer_id))) {
    if (!id.empty()) report_(id, Phase::mounted);
    return {};
  }
  Registry::Upload upload{blob.digest, blob.size, {}, {}};
  const std::string path = store_.blob_path(blob.digest);
  upload.open = [&path]() -> Result<ByteSource> {
    auto fd = std::make_shared<Fd>(TRY(open_file(path, O_RDONLY)));
    return ByteSource([fd](std::span<std::byte> into) { return read_some(fd->get(), into); });
  };
  if (!id.empty())
    upload.on_bytes = [&](std::uint64_t bytes) { report_.bytes(id, Phase::uploading, bytes, blob.size); };
  TRY(registry_.upload_blob(upload));
  if (!id.empty()) report_(id, Phase::done);
  return {};
}

struct Prepared {
  std::string body;
  std::string media_type;
};

// The manifest with which it was pulled, if that still describes what is pushed now: then the digest stays the same.
Result<std::optional<Prepared>> pulled_manifest(Store& store, const Image& image,
                                                const std::vector<Descriptor>& layers) {
  const auto digest = TRY(store.manifest_of(image));
  if (!digest || !store.has_blob(*digest)) return std::nullopt;
  const std::string body = TRY(store.read_blob(*digest, max_manifest_bytes));
  const auto parsed = parse_manifest(body, "", image.display_name());
  if (!parsed) return std::nullopt;
  const std::optional<Manifest>& manifest = parsed->manifest;
  if (!manifest || manifest->media_type.empty()) return std::nullopt;
  const bool same = std::ranges::equal(manifest->layers, layers, {}, &Descriptor::digest, &Descriptor::digest);
  if (!same) return std::nullopt;
  return Prepared{body, manifest->media_type};
}

// Docker's own type is for single images: an OCI index has OCI manifests.
enum class Entry : std::uint8_t { single, of_index };

Prepared new_manifest(const Descriptor& config, std::vector<Descriptor> layers, Entry entry) {
  const bool docker = entry == Entry::single && std::ranges::all_of(layers, [](const Descriptor& layer) {
                        return layer.media_type == media::docker_layer_gzip;
                      });
  Manifest manifest{std::string(docker ? media::docker_manifest : media::oci_manifest), config, std::move(layers)};
  manifest.config.media_type = docker ? media::docker_config : media::oci_config;
  if (!docker)
    for (Descriptor& layer : manifest.layers)
      if (layer.media_type == media::docker_layer_gzip) layer.media_type = media::oci_layer_gzip;
  return {format_manifest(manifest), manifest.media_type};
}

Error explain_push(Error error, const Registry& registry, const Reference& reference) {
  const int status = error.http_status();
  if (status != 401 && status != 403) return std::move(error).wrap("push", reference.familiar());
  Error outer(Code::denied, "push access denied for " + reference.familiar_name() +
                                ", repository does not exist or may require authorization");
  outer.data().why = error.data().why.empty() ? error.message() : error.data().why;
  outer.data().http_status = status;
  outer.data().hint = registry.login_advice();
  return outer;
}

// Pushes everything except the manifest, which the caller uploads.
Result<Prepared> push_content(Store& store, Registry& registry, const Image& image, Entry entry,
                              const PushOptions& options, Reporter& report) {
  Pusher pusher(store, registry, options, report);
  const std::vector<Descriptor> layers = TRY(pusher.push_layers(image, TRY(store.layers_of(image))));
  const std::string raw_config = TRY(store.raw_config_of(image));
  const Digest config_digest = TRY(Digest::parse(image.id));
  const Descriptor config{std::string(media::docker_config), config_digest, raw_config.size(), {}, {}, {}, false, {}};
  TRY_WRAP(pusher.push_blob(config, ""), "configuration");
  auto pulled = TRY(pulled_manifest(store, image, layers));
  return pulled ? std::move(*pulled) : new_manifest(config, layers, entry);
}

// Several images become an index: pushes first each manifest by its digest, then the index that refers to all of them.
Result<PushResult> push_images(Store& store, Registry& registry, const std::vector<Image>& images,
                               const Reference& reference, const PushOptions& options, Reporter& report) {
  const Entry entry = images.size() > 1 ? Entry::of_index : Entry::single;
  std::vector<Descriptor> entries;
  Prepared top;
  for (const Image& image : images) {
    top = TRY(push_content(store, registry, image, entry, options, report));
    if (entry == Entry::single) break;
    const Digest digest = TRY(registry.put_manifest(Digest::of(top.body).text(), top.body, top.media_type));
    entries.push_back({top.media_type, digest, top.body.size(), image.platform, {}, {}, false, {}});
  }
  if (entry == Entry::of_index) top = {format_index(entries), std::string(media::oci_index)};
  const Digest digest = TRY(registry.put_manifest(reference.tag, top.body, top.media_type));
  report("", Phase::finished, 0, 0, digest.text());
  return PushResult{digest, top.body.size()};
}

}  // namespace

Result<PushResult> push(Store& store, const Reference& reference, const PushOptions& options,
                        const Progress& progress) {
  if (reference.digest || reference.tag.empty())
    return fail(Error(Code::invalid, "cannot push a digest reference").on(reference.familiar()));
  std::vector<Image> images;
  if (options.platform) {
    images.push_back(TRY(store.find(reference, options.platform)));
  } else if (auto all = store.platforms_of(reference.full())) {
    images = std::move(*all);
  }
  if (images.empty())
    return fail(Error(Code::not_found, "An image does not exist locally with the tag: " + reference.familiar_name()));
  const Session keep(TRY(lock_store(store.state(), Locking::shared, options.cancel)));
  const RegistryAccess access = TRY(RegistryAccess::load(options.registry));
  Registry registry(access, TRY(access.conf.origin(reference)), Registry::Actions::push, options.cancel);
  Reporter report(progress);
  auto result = push_images(store, registry, images, reference, options, report);
  if (!result) return fail(explain_push(std::move(result).error(), registry, reference));
  Reference by_digest = reference;
  by_digest.digest = result->manifest;
  for (const Image& image : images) TRY(store.add_digest(image, by_digest));
  return result;
}

Result<Digest> push_artifact(Store& store, const Reference& reference, const NewArtifact& artifact,
                             const PushOptions& options, const Progress& progress) {
  if (reference.digest) return fail(Error(Code::invalid, "cannot push a digest reference").on(reference.familiar()));
  const RegistryAccess access = TRY(RegistryAccess::load(options.registry));
  Registry registry(access, TRY(access.conf.origin(reference)), Registry::Actions::push, options.cancel);
  Reporter report(progress);
  Pusher pusher(store, registry, options, report);
  const auto pushed = [&]() -> Result<Digest> {
    std::vector<Descriptor> layers = TRY(pusher.push_layers({}, artifact.layers));
    const Digest config = TRY(store.write_blob(artifact.config));
    const Manifest manifest = artifact_manifest(artifact, config, std::move(layers));
    TRY_WRAP(pusher.push_blob(manifest.config, ""), "configuration");
    return registry.put_manifest(reference.tag, format_manifest(manifest), manifest.media_type);
  };
  auto digest = pushed();
  if (!digest) return fail(explain_push(std::move(digest).error(), registry, reference));
  return digest;
}

}  // namespace consort::image

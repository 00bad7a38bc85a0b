#include "image/artifact.hpp"

#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "image/registry/layer_fetch.hpp"
#include "image/store/store_state.hpp"
#include "image/tar/layer_import.hpp"

namespace consort::image {

namespace {

constexpr std::size_t max_config_bytes = 8 << 20;
constexpr int max_index_depth = 4;

// Reads manifests and configurations.
using ReadText = std::function<Result<std::string>(const Descriptor&)>;

Error too_large(const Descriptor& blob) {
  return Error(Code::invalid, "read").on(blob.digest.text()).why("it is too large");
}

// Follows an index to a manifest. An index that is just a list of objects (as some builders store their cache) gives a
// manifest whose configuration is the entry of a type that is neither a layer nor a manifest.
Result<Manifest> follow(ManifestOrIndex parsed, const Platform& platform, const std::string& source,
                        const ReadText& read) {
  for (int depth = 0; parsed.index; ++depth) {
    if (depth >= max_index_depth) return fail(Error(Code::invalid, "read").on(source).why("indexes in indexes"));
    const auto foreign = std::ranges::find_if(parsed.index->manifests, [](const Descriptor& entry) {
      return !entry.media_type.empty() && !is_layer_type(entry.media_type) && !is_manifest_type(entry.media_type);
    });
    if (foreign != parsed.index->manifests.end()) return Manifest{parsed.index->media_type, *foreign, {}};
    const Descriptor entry = TRY(choose_platform(*parsed.index, platform, source));
    parsed = TRY(parse_any_manifest(TRY(read(entry)), entry.media_type, source));
  }
  if (!parsed.manifest) return fail(Error(Code::invalid, "read").on(source).why("it is not a manifest"));
  return std::move(*parsed.manifest);
}

class RegistryArtifact : public Artifact {
 public:
  RegistryArtifact(Store& store, PullOptions options, std::shared_ptr<const RegistryAccess> access, Location location)
      : Artifact(store, std::move(options)),
        access_(std::move(access)),
        registry_(*access_, std::move(location), Registry::Actions::pull, options_.cancel) {}

  Result<> open(const Reference& reference) {
    limits_ = TRY(layer_limits(options_));
    const Registry::Document document = TRY(registry_.manifest(reference.selector()));
    const std::string name = reference.familiar();
    const ReadText read = [this](const Descriptor& entry) -> Result<std::string> {
      return TRY(registry_.manifest(entry.digest.text())).body;
    };
    const Manifest manifest = TRY(follow(TRY(parse_any_manifest(document.body, document.content_type, name)),
                                         options_.platform.value_or(Platform::host()), name, read));
    config_type_ = manifest.config.media_type;
    for (const Descriptor& layer : manifest.layers) blobs_.push_back({layer.media_type, layer.digest, layer.size});
    return wrapped(read_config(manifest.config));
  }

 protected:
  Result<LayerInfo> fetch(const Blob& blob, const Digest& diff_id) override {
    const Descriptor layer{blob.media_type, blob.digest, blob.size, {}, {}, {}, false, {}};
    const Progress none;
    Reporter report(none);
    return fetch_layer(store_, registry_, layer, diff_id, {limits_, options_.cancel, report});
  }

 private:
  static Result<> wrapped(Result<> done) {
    if (!done) return fail(std::move(done).error().wrap("read configuration"));
    return done;
  }

  Result<> read_config(const Descriptor& config) {
    if (config.size > max_config_bytes) return fail(too_large(config));
    const auto sink = [&](std::span<const std::byte> bytes) -> Result<> {
      config_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
      return {};
    };
    TRY(registry_.blob({config.digest, config.size, 0}, sink));
    if (Digest::of(config_) != config.digest)
      return fail(Error(Code::invalid, "verify").on(config.digest.text()).why("the content has another digest"));
    return {};
  }

  std::shared_ptr<const RegistryAccess> access_;
  Registry registry_;
  UnpackLimits limits_;
};

class LayoutArtifact : public Artifact {
 public:
  LayoutArtifact(Store& store, PullOptions options, std::string directory)
      : Artifact(store, std::move(options)), directory_(std::move(directory)) {}

  Result<> open(const LayoutPlace& place) {
    limits_ = TRY(layer_limits(options_));
    const Descriptor top = TRY(find(place));
    const ReadText read = [this](const Descriptor& entry) { return text_of(entry, max_manifest_bytes); };
    const Manifest manifest = TRY(follow(TRY(parse_any_manifest(TRY(read(top)), top.media_type, directory_)),
                                         options_.platform.value_or(Platform::host()), directory_, read));
    config_type_ = manifest.config.media_type;
    for (const Descriptor& layer : manifest.layers) blobs_.push_back({layer.media_type, layer.digest, layer.size});
    config_ = TRY(text_of(manifest.config, max_config_bytes));
    return {};
  }

 protected:
  Result<LayerInfo> fetch(const Blob& blob, const Digest& diff_id) override {
    // From our own copy, which cannot change between the check and the use.
    const ScratchDirectory work = TRY(store_.state().new_work());
    const std::string path = work.path() + "/layer";
    LayerImport wanted;
    wanted.expected_diff_id = diff_id;
    wanted.limits = limits_;
    wanted.cancel = options_.cancel;
    TRY(copy(blob, path));
    return import_layer_file(store_, path, blob.digest, wanted);
  }

 private:
  std::string path_of(const Digest& digest) const { return directory_ + "/blobs/sha256/" + digest.hex(); }

  Result<Descriptor> find(const LayoutPlace& place) const {
    if (place.digest) return Descriptor{"", *place.digest, max_manifest_bytes, {}, {}, {}, false, {}};
    const std::string file = directory_ + "/index.json";
    const auto parsed = TRY(parse_any_manifest(TRY(read_file(file, max_manifest_bytes)), media::oci_index, file));
    if (!parsed.index) return fail(Error(Code::invalid, "read").on(file).why("an index is expected"));
    const auto& entries = parsed.index->manifests;
    const std::string tag = place.tag.empty() ? "latest" : place.tag;
    for (const Descriptor& entry : entries)
      if (entry.annotation_name == tag) return entry;
    if (place.tag.empty() && entries.size() == 1) return entries.front();
    std::vector<std::string> names;
    for (const Descriptor& entry : entries) names.push_back(entry.annotation_name);
    std::erase(names, "");
    return fail(Error(Code::not_found, "could not find tag \"" + tag + "\" in OCI layout " + directory_)
                    .hint(names.empty() ? "" : "it has " + join(names, ", ")));
  }

  Result<std::string> text_of(const Descriptor& blob, std::size_t limit) const {
    if (blob.size > limit) return fail(too_large(blob));
    std::string text = TRY(read_file(path_of(blob.digest), limit));
    if (Digest::of(text) != blob.digest)
      return fail(Error(Code::invalid, "verify").on(blob.digest.text()).why("its content has another digest"));
    return text;
  }

  Result<> copy(const Blob& blob, const std::string& to) const {
    const Fd from = TRY(open_file(path_of(blob.digest), O_RDONLY | O_NONBLOCK));
    struct stat info {};
    if (::fstat(from.get(), &info) != 0) return fail_errno("look at", blob.digest.text());
    if (!S_ISREG(info.st_mode) || static_cast<std::uint64_t>(info.st_size) != blob.size)
      return fail(Error(Code::invalid, "read")
                      .on(blob.digest.text())
                      .why("it does not have the " + std::to_string(blob.size) + " bytes that the manifest declares"));
    const Fd into = TRY(open_file(to, O_WRONLY | O_CREAT | O_EXCL, 0400));
    std::vector<std::byte> buffer(1 << 20);
    for (std::uint64_t left = blob.size; left > 0;) {
      if (options_.cancel.stop_requested()) return fail(Code::interrupted, "read", blob.digest.text());
      const std::size_t want = static_cast<std::size_t>(std::min<std::uint64_t>(left, buffer.size()));
      const std::size_t got = TRY(read_some(from.get(), std::span(buffer).first(want)));
      if (got == 0) return fail(Code::invalid, "read", blob.digest.text());
      TRY(write_full(into.get(), std::span(buffer).first(got)));
      left -= got;
    }
    return {};
  }

  std::string directory_;
  UnpackLimits limits_;
};

}  // namespace

Result<LayoutPlace> LayoutPlace::parse(std::string_view text) {
  LayoutPlace place;
  std::string_view rest = text;
  if (const auto at = rest.rfind('@'); at != std::string_view::npos) {
    place.digest = TRY(Digest::parse(rest.substr(at + 1)));
    rest = rest.substr(0, at);
  }
  const auto colon = rest.rfind(':');
  if (colon != std::string_view::npos && rest.find('/', colon) == std::string_view::npos) {
    place.tag = rest.substr(colon + 1);
    rest = rest.substr(0, colon);
  }
  place.directory = rest;
  return place;
}

Result<LayerInfo> Artifact::layer(std::size_t index, const Digest& diff_id) {
  if (index >= blobs_.size()) return fail(Code::invalid, "find layer", std::to_string(index));
  const Blob& blob = blobs_[index];
  if (auto known = TRY(store_.find_layer(diff_id))) return std::move(*known);
  if (!is_layer_type(blob.media_type))
    return fail(Error(Code::unsupported, "read layer")
                    .on(blob.digest.text())
                    .why("its type is \"" + blob.media_type.substr(0, 100) + "\""));
  return TRY_WRAP(fetch(blob, diff_id), "layer " + blob.digest.short_hex());
}

Result<std::unique_ptr<Artifact>> open_artifact(Store& store, const Reference& reference, const PullOptions& options) {
  const auto access = std::make_shared<const RegistryAccess>(TRY(RegistryAccess::load(options.registry)));
  std::optional<Error> last;  // from the registry itself, because mirrors are asked first
  for (const Location& location : TRY(access->conf.locations(reference))) {
    auto artifact = std::make_unique<RegistryArtifact>(store, options, access, location);
    auto opened = artifact->open(reference);
    if (opened) return artifact;
    last = std::move(opened).error();
    if (options.cancel.stop_requested()) break;
  }
  return fail(std::move(*last));
}

Result<std::unique_ptr<Artifact>> open_artifact(Store& store, const LayoutPlace& place, const PullOptions& options) {
  auto artifact = std::make_unique<LayoutArtifact>(store, options, place.directory);
  TRY(artifact->open(place));
  return artifact;
}

}  // namespace consort::image

// Archives of `docker save` (old and new form) and OCI layouts.
#include <unistd.h>

#include <algorithm>

#include "base/json.hpp"
#include "image/registry/manifest.hpp"
#include "image/session.hpp"
#include "image/store/reporter.hpp"
#include "image/store/store_sweep.hpp"
#include "image/tar/archive.hpp"
#include "image/tar/layer_import.hpp"
#include "image/transfer.hpp"

namespace consort::image {

namespace {

constexpr std::size_t max_text = 8 << 20;
constexpr std::size_t max_images = 1000;
constexpr int max_index_depth = 4;

struct LayerFile {
  std::string name;              // in the archive
  std::optional<Digest> digest;  // if it is named by one: then it is checked
};

class Loader {
 public:
  Loader(Store& store, const ArchiveFiles& files, const PullOptions& options, UnpackLimits limits, Reporter& report)
      : store_(store), files_(files), options_(options), limits_(limits), report_(report) {}

  Result<LoadResult> run() {
    if (files_.has("manifest.json") && !has_platforms())
      TRY(load_docker());
    else if (files_.has("index.json"))
      TRY(load_layout("index.json", {}, 0));
    else
      return fail(Error(Code::invalid, "load").why("the archive holds neither manifest.json nor index.json"));
    return std::move(result_);
  }

 private:
  bool has_platforms() const;
  Result<> load_docker();
  Result<> load_layout(const std::string& file, const std::vector<Reference>& names, int depth);
  Result<> load_platforms(const Index& index, const std::string& file, const std::vector<Reference>& names, int depth);
  Result<> load_entry(const Descriptor& entry, std::vector<Reference> names, int depth, Naming naming);
  Result<> add(const std::string& raw_config, const std::vector<LayerFile>& layers,
               const std::optional<std::string>& manifest, std::vector<Reference> names, Naming naming);
  Result<std::string> load_layer(const LayerFile& file, const Digest& diff_id);
  Result<std::string> blob_text(const Digest& digest);

  Store& store_;
  const ArchiveFiles& files_;
  const PullOptions& options_;
  UnpackLimits limits_;
  Reporter& report_;
  LoadResult result_;
};

Result<std::optional<Digest>> digest_in_name(const std::string& name) {
  constexpr std::string_view prefix = "blobs/sha256/";
  if (!name.starts_with(prefix)) return std::nullopt;
  return TRY(Digest::parse("sha256:" + name.substr(prefix.size())));
}

// Docker's manifest.json names one image where the layout next to it has an index of several.
bool Loader::has_platforms() const {
  const auto text = files_.text("index.json", max_text);
  if (!text) return false;
  const auto parsed = parse_manifest(*text, media::oci_index, "index.json");
  if (!parsed) return false;
  const std::optional<Index>& index = parsed->index;
  return index && std::ranges::any_of(index->manifests, [](const Descriptor& entry) {
           return entry.media_type == media::oci_index || entry.media_type == media::docker_index;
         });
}

Result<> Loader::load_docker() {
  const Json list = TRY(parse_json(TRY(files_.text("manifest.json", max_text)), "manifest.json"));
  if (!list.is_array() || list.size() > max_images)
    return fail(Error(Code::invalid, "load").on("manifest.json").why("a list is expected"));
  for (const Json& item : list) {
    std::vector<Reference> names;
    for (const std::string& tag : get_strings(item, "RepoTags")) names.push_back(TRY(Reference::parse(tag)));
    std::vector<LayerFile> layers;
    for (const std::string& name : get_strings(item, "Layers")) {
      const auto digest = TRY(digest_in_name(name));
      layers.push_back({name, digest});
    }
    const std::string raw_config = TRY(files_.text(get_string(item, "Config"), max_text));
    TRY(add(raw_config, layers, std::nullopt, std::move(names), Naming::alone));
  }
  return {};
}

Result<std::string> Loader::blob_text(const Digest& digest) {
  std::string text = TRY(files_.text("blobs/sha256/" + digest.hex(), max_text));
  if (Digest::of(text) != digest)
    return fail(Error(Code::invalid, "load").on(digest.text()).why("its content has another digest"));
  return text;
}

Result<> Loader::load_layout(const std::string& file, const std::vector<Reference>& names, int depth) {
  const auto parsed = TRY(parse_manifest(TRY(files_.text(file, max_text)), media::oci_index, file));
  if (!parsed.index) return fail(Error(Code::invalid, "load").on(file).why("an index is expected"));
  // Inside, entries are platforms of one image; at the top, each is a separate image.
  if (depth > 0) return load_platforms(*parsed.index, file, names, depth);
  for (const Descriptor& entry : parsed.index->manifests) {
    std::vector<Reference> entry_names;
    if (!entry.annotation_full_name.empty())
      entry_names.push_back(TRY(Reference::parse(entry.annotation_full_name)));
    else if (entry.annotation_name.find_first_of(":/") != std::string::npos)
      entry_names.push_back(TRY(Reference::parse(entry.annotation_name)));
    if (!entry.attestation) TRY(load_entry(entry, std::move(entry_names), depth, Naming::alone));
  }
  return {};
}

// An archive need not contain everything that its index lists.
Result<> Loader::load_platforms(const Index& index, const std::string& file, const std::vector<Reference>& names,
                                int depth) {
  Naming naming = Naming::alone;
  for (const Descriptor& entry : index.manifests) {
    const bool foreign = entry.platform && entry.platform->os != Platform::host().os;
    if (options_.platform || entry.attestation || foreign || !files_.has("blobs/sha256/" + entry.digest.hex()))
      continue;
    TRY(load_entry(entry, names, depth, naming));
    naming = Naming::beside;
  }
  if (naming == Naming::beside) return {};
  const Platform platform = options_.platform.value_or(Platform::host());
  return load_entry(TRY(choose_platform(index, platform, file)), names, depth, Naming::alone);
}

Result<> Loader::load_entry(const Descriptor& entry, std::vector<Reference> names, int depth, Naming naming) {
  if (depth >= max_index_depth) return fail(Error(Code::invalid, "load").why("indexes are nested too deeply"));
  const std::string text = TRY(blob_text(entry.digest));
  const auto parsed = TRY(parse_manifest(text, entry.media_type, entry.digest.text()));
  if (!parsed.manifest) return load_layout("blobs/sha256/" + entry.digest.hex(), names, depth + 1);
  std::vector<LayerFile> layers;
  for (const Descriptor& layer : parsed.manifest->layers)
    layers.push_back({"blobs/sha256/" + layer.digest.hex(), layer.digest});
  const std::string raw_config = TRY(blob_text(parsed.manifest->config.digest));
  return add(raw_config, layers, text, std::move(names), naming);
}

Result<> Loader::add(const std::string& raw_config, const std::vector<LayerFile>& layers,
                     const std::optional<std::string>& manifest, std::vector<Reference> names, Naming naming) {
  const ImageConfig config = TRY(parse_config(raw_config));
  if (config.diff_ids.size() != layers.size())
    return fail(Error(Code::invalid, "load").why("the image's configuration has a different number of layers"));
  std::vector<std::string> ids;
  for (std::size_t i = 0; i < layers.size(); ++i)
    ids.push_back(TRY_WRAP(load_layer(layers[i], config.diff_ids[i]), "load layer", config.diff_ids[i].short_hex()));
  std::optional<Digest> manifest_digest;
  if (manifest) manifest_digest = TRY(store_.write_blob(*manifest));
  for (Reference& name : names) name.digest.reset();
  TRY(store_.flush());
  result_.images.push_back(TRY(store_.add_image(raw_config, ids, manifest_digest, names, naming)));
  if (naming == Naming::alone)
    for (const Reference& name : names) result_.names.push_back(name.full());
  return {};
}

Result<std::string> Loader::load_layer(const LayerFile& file, const Digest& diff_id) {
  const std::string id = diff_id.short_hex();
  if (const auto known = TRY(store_.find_layer(diff_id))) {
    report_(id, Phase::exists);
    return known->id;
  }
  const std::string path = TRY(files_.path(file.name));
  LayerImport wanted;
  wanted.expected_diff_id = diff_id;
  wanted.limits = limits_;
  wanted.cancel = options_.cancel;
  wanted.on_bytes = [&](std::uint64_t bytes) { report_.bytes(id, Phase::extracting, bytes, 0); };
  const LayerInfo layer = TRY(import_layer_file(store_, path, file.digest, wanted));
  report_(id, Phase::done);
  return layer.id;
}

}  // namespace

Result<LoadResult> load(Store& store, int in, const PullOptions& options, const Progress& progress) {
  const UnpackLimits limits = TRY(layer_limits(options));
  std::optional<Session> keep(TRY(begin_session(store, options.cancel)));
  Result<LoadResult> result = [&]() -> Result<LoadResult> {
    const ArchiveFiles files = TRY_WRAP(
        ArchiveFiles::read(store, source_of_fd(in, options.cancel), limits.max_bytes, options.cancel), "read archive");
    Reporter report(progress);
    return Loader(store, files, options, limits, report).run();
  }();
  keep.reset();
  if (!result) (void)sweep_store(store.state(), options.cancel);  // of an archive that is wrong, no layer stays
  return result;
}

}  // namespace consort::image

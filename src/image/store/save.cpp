// Archives that `docker load`, `podman load` and skopeo read: an OCI layout, with Docker's manifest.json next to it.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "image/store/store_state.hpp"
#include "image/tar/packed_layer.hpp"
#include "image/tar/tar_writer.hpp"
#include "image/transfer.hpp"

namespace consort::image {

namespace {

struct Saved {
  Image image;
  Manifest manifest;
  std::string manifest_text;
  Descriptor descriptor;  // of the manifest
};

// Images that are saved together: a single one, or a name's images for several platforms with their index.
struct Group {
  std::vector<Saved> images;
  std::vector<std::string> names;  // full, with a tag; may be none
  std::string index_text;          // "": a single image needs no index
  Descriptor descriptor;           // of the index, or of the only manifest
};

std::string oci_type(const std::string& type) {
  return type == media::docker_layer_gzip ? std::string(media::oci_layer_gzip) : type;
}

Result<Saved> prepare(Store& store, Image image, const std::stop_token& cancel) {
  const std::string raw_config = TRY(store.raw_config_of(image));
  const Digest config_digest = TRY(Digest::parse(image.id));
  const Descriptor config{std::string(media::oci_config), config_digest, raw_config.size(), {}, {}, {}, false, {}};
  Manifest manifest{std::string(media::oci_manifest), config, {}};
  for (const LayerInfo& layer : TRY(store.layers_of(image))) {
    Descriptor blob = TRY(packed_layer(store, layer, cancel, {}));
    blob.media_type = oci_type(blob.media_type);
    manifest.layers.push_back(std::move(blob));
  }
  std::string text = format_manifest(manifest);
  Descriptor descriptor{manifest.media_type, Digest::of(text), text.size(), image.platform, {}, {}, false, {}};
  return Saved{std::move(image), std::move(manifest), std::move(text), std::move(descriptor)};
}

Result<Group> prepare_group(Store& store, std::vector<Image> images, const std::stop_token& cancel) {
  std::vector<Saved> saved;
  std::vector<Descriptor> entries;
  for (Image& image : images) {
    saved.push_back(TRY(prepare(store, std::move(image), cancel)));
    entries.push_back(saved.back().descriptor);
  }
  if (entries.size() == 1) return Group{std::move(saved), {}, {}, std::move(entries.front())};
  std::string text = format_index(entries);
  Descriptor index{std::string(media::oci_index), Digest::of(text), text.size(), {}, {}, {}, false, {}};
  return Group{std::move(saved), {}, std::move(text), std::move(index)};
}

// Each set of images once, with all names under which it was requested.
Result<std::vector<Group>> prepare_all(Store& store, const std::vector<std::string>& texts,
                                       const std::optional<Platform>& platform, const std::stop_token& cancel) {
  std::vector<Group> groups;
  std::map<std::string, std::size_t> known;  // by image ids
  for (const std::string& text : texts) {
    std::vector<Image> images;
    if (platform)
      images.push_back(TRY(store.find(text, platform)));
    else
      images = TRY(store.platforms_of(text));
    std::string ids;
    for (const Image& image : images) ids += image.id + " ";
    if (known.try_emplace(ids, groups.size()).second) groups.push_back(TRY(prepare_group(store, images, cancel)));
    const auto reference = Reference::parse(text);
    const auto has_name = [&](const std::vector<std::string>& names) {
      return reference && std::ranges::find(names, reference->full()) != names.end();
    };
    if (has_name(images.front().names) || has_name(images.front().other_names))
      groups[known.at(ids)].names.push_back(reference->full());
  }
  return groups;
}

std::string index_of(const std::vector<Group>& groups) {
  std::vector<Descriptor> entries;
  for (const Group& group : groups) {
    Descriptor entry = group.descriptor;
    if (group.names.empty()) entries.push_back(entry);
    for (const std::string& name : group.names) {
      const auto reference = Reference::parse(name);
      entry.annotation_full_name = name;
      entry.annotation_name = reference ? reference->tag : name;
      entries.push_back(entry);
    }
  }
  return format_index(entries);
}

// Docker's manifest.json does not support platforms: a name's own image represents it.
Json docker_manifest_of(const std::vector<Group>& groups) {
  const auto path = [](const Digest& digest) { return "blobs/sha256/" + digest.hex(); };
  Json list = Json::array();
  for (const Group& group : groups) {
    const Manifest& manifest = group.images.front().manifest;
    Json tags = Json::array();
    for (const std::string& name : group.names) tags.push_back(Reference::parse(name).value().familiar());
    Json layers = Json::array();
    for (const Descriptor& layer : manifest.layers) layers.push_back(path(layer.digest));
    list.push_back(Json{{"Config", path(manifest.config.digest)},
                        {"RepoTags", tags.empty() ? Json(nullptr) : std::move(tags)},
                        {"Layers", std::move(layers)}});
  }
  return list;
}

TarHeader header(const std::string& path, char type) {
  TarHeader made;
  made.path = path;
  made.type = type;
  made.mode = type == '5' ? 0755 : 0644;
  return made;
}

class Archive {
 public:
  Archive(const Store& store, int out, std::stop_token cancel)
      : store_(store), tar_(sink_of_fd(out, cancel)), cancel_(std::move(cancel)) {}

  Result<> write(const std::vector<Group>& groups, ArchiveFormat format) {
    TRY(tar_.add(header("blobs/", '5')));
    TRY(tar_.add(header("blobs/sha256/", '5')));
    for (const Group& group : groups) {
      for (const Saved& saved : group.images) {
        TRY(add_blob(saved.manifest.config.digest));
        for (const Descriptor& layer : saved.manifest.layers) TRY(add_blob(layer.digest));
        TRY(add_text(saved.descriptor.digest, saved.manifest_text));
      }
      if (!group.index_text.empty()) TRY(add_text(group.descriptor.digest, group.index_text));
    }
    TRY(tar_.add_text(header("index.json", '0'), index_of(groups)));
    if (format == ArchiveFormat::docker)
      TRY(tar_.add_text(header("manifest.json", '0'), dump_json(docker_manifest_of(groups))));
    TRY(tar_.add_text(header("oci-layout", '0'), R"({"imageLayoutVersion":"1.0.0"})"));
    return tar_.finish();
  }

 private:
  Result<> add_blob(const Digest& digest) {
    if (!written_.insert(digest.hex()).second) return {};
    const Fd fd = TRY(open_file(store_.blob_path(digest), O_RDONLY));
    struct stat st;
    if (::fstat(fd.get(), &st) != 0) return fail_errno("look at blob", digest.text());
    TarHeader blob = header("blobs/sha256/" + digest.hex(), '0');
    blob.size = static_cast<std::uint64_t>(st.st_size);
    return tar_.add_file(blob, fd.get(), cancel_);
  }

  Result<> add_text(const Digest& digest, const std::string& text) {
    if (!written_.insert(digest.hex()).second) return {};
    return tar_.add_text(header("blobs/sha256/" + digest.hex(), '0'), text);
  }

  const Store& store_;
  TarWriter tar_;
  std::stop_token cancel_;
  std::set<std::string> written_;
};

}  // namespace

Result<> save(Store& store, const std::vector<std::string>& names, int out, const SaveOptions& options) {
  const Session keep(TRY(lock_store(store.state(), Locking::shared, options.cancel)));
  const std::vector<Group> groups = TRY(prepare_all(store, names, options.platform, options.cancel));
  return Archive(store, out, options.cancel).write(groups, options.format);
}

}  // namespace consort::image

// Archives that `docker load`, `podman load` and skopeo read: an OCI layout, with Docker's manifest.json beside it.
#include <fcntl.h>
#include <sys/stat.h>

#include <algorithm>
#include <map>
#include <set>

#include "base/json.hpp"
#include "base/os/file.hpp"
#include "image/internal/packed_layer.hpp"
#include "image/internal/tar_writer.hpp"
#include "image/transfer.hpp"

namespace consort::image {

namespace {

struct Saved {
  Image image;
  std::vector<std::string> names;  // full, with a tag; may be none
  Manifest manifest;
  std::string manifest_text;
  Digest manifest_digest = Digest::from_hex({});
};

std::string oci_type(const std::string& type) {
  return type == media::docker_layer_gzip ? std::string(media::oci_layer_gzip) : type;
}

Result<Saved> prepare(Store& store, Image image, std::vector<std::string> names, const std::stop_token& cancel) {
  const std::string raw_config = TRY(store.raw_config_of(image));
  const Digest config_digest = TRY(Digest::parse(image.id));
  const Descriptor config{std::string(media::oci_config), config_digest, raw_config.size(), {}, {}, {}, false, {}};
  Saved saved{std::move(image), std::move(names), {std::string(media::oci_manifest), config, {}}, {}};
  for (const LayerInfo& layer : TRY(store.layers_of(saved.image))) {
    Descriptor blob = TRY(packed_layer(store, layer, cancel, {}));
    blob.media_type = oci_type(blob.media_type);
    saved.manifest.layers.push_back(std::move(blob));
  }
  saved.manifest_text = format_manifest(saved.manifest);
  saved.manifest_digest = Digest::of(saved.manifest_text);
  return saved;
}

// One image once, with all the names under which it was asked for.
Result<std::vector<Saved>> prepare_all(Store& store, const std::vector<std::string>& texts,
                                       const std::stop_token& cancel) {
  std::vector<std::string> order;
  std::map<std::string, std::pair<Image, std::vector<std::string>>> images;
  for (const std::string& text : texts) {
    Image image = TRY(store.find(text));
    if (!images.contains(image.id)) order.push_back(image.id);
    auto& [kept, names] = images.try_emplace(image.id, image, std::vector<std::string>()).first->second;
    const auto reference = Reference::parse(text);
    if (reference && std::ranges::find(image.names, reference->full()) != image.names.end())
      names.push_back(reference->full());
  }
  std::vector<Saved> saved;
  for (const std::string& id : order) {
    auto& [image, names] = images.at(id);
    saved.push_back(TRY(prepare(store, std::move(image), std::move(names), cancel)));
  }
  return saved;
}

Json index_of(const std::vector<Saved>& images) {
  Json manifests = Json::array();
  for (const Saved& saved : images) {
    Json entry{{"mediaType", media::oci_manifest},
               {"digest", saved.manifest_digest.text()},
               {"size", saved.manifest_text.size()}};
    entry["platform"] = Json{{"architecture", saved.image.platform.architecture}, {"os", saved.image.platform.os}};
    if (saved.names.empty()) manifests.push_back(entry);
    for (const std::string& name : saved.names) {
      const auto reference = Reference::parse(name);
      entry["annotations"] = Json{{"io.containerd.image.name", name},
                                  {"org.opencontainers.image.ref.name", reference ? reference->tag : name}};
      manifests.push_back(entry);
    }
  }
  return Json{{"schemaVersion", 2}, {"mediaType", media::oci_index}, {"manifests", std::move(manifests)}};
}

Json docker_manifest_of(const std::vector<Saved>& images) {
  const auto path = [](const Digest& digest) { return "blobs/sha256/" + digest.hex(); };
  Json list = Json::array();
  for (const Saved& saved : images) {
    Json tags = Json::array();
    for (const std::string& name : saved.names) tags.push_back(Reference::parse(name).value().familiar());
    Json layers = Json::array();
    for (const Descriptor& layer : saved.manifest.layers) layers.push_back(path(layer.digest));
    list.push_back(Json{{"Config", path(saved.manifest.config.digest)},
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

}  // namespace

Result<> save(Store& store, const std::vector<std::string>& names, int out, ArchiveFormat format,
              std::stop_token cancel) {
  const Session keep = TRY(store.session());
  const std::vector<Saved> images = TRY(prepare_all(store, names, cancel));
  TarWriter tar(sink_of_fd(out));
  TRY(tar.add(header("blobs/", '5')));
  TRY(tar.add(header("blobs/sha256/", '5')));
  std::set<std::string> written;
  for (const Saved& saved : images) {
    std::vector<Digest> blobs{saved.manifest.config.digest};
    for (const Descriptor& layer : saved.manifest.layers) blobs.push_back(layer.digest);
    for (const Digest& digest : blobs) {
      if (!written.insert(digest.hex()).second) continue;
      const Fd fd = TRY(open_file(store.blob_path(digest), O_RDONLY));
      struct stat st;
      if (::fstat(fd.get(), &st) != 0) return fail_errno("look at blob", digest.text());
      TarHeader blob = header("blobs/sha256/" + digest.hex(), '0');
      blob.size = static_cast<std::uint64_t>(st.st_size);
      TRY(tar.add_file(blob, fd.get(), cancel));
    }
    if (written.insert(saved.manifest_digest.hex()).second)
      TRY(tar.add_text(header("blobs/sha256/" + saved.manifest_digest.hex(), '0'), saved.manifest_text));
  }
  TRY(tar.add_text(header("index.json", '0'), dump_json(index_of(images))));
  if (format == ArchiveFormat::docker)
    TRY(tar.add_text(header("manifest.json", '0'), dump_json(docker_manifest_of(images))));
  TRY(tar.add_text(header("oci-layout", '0'), R"({"imageLayoutVersion":"1.0.0"})"));
  return tar.finish();
}

}  // namespace consort::image

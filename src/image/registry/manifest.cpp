#include "image/registry/manifest.hpp"

#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/strings.hpp"

namespace consort::image {

namespace {

constexpr std::size_t max_layers = 512;
constexpr std::size_t max_manifests = 4096;
constexpr std::uint64_t max_blob = std::uint64_t{1} << 50;

Error malformed(const std::string& source, std::string why) {
  return Error(Code::invalid, "read manifest").on(source).why(std::move(why));
}

Result<Descriptor> read_descriptor(const Json& json, const std::string& source) {
  if (!json.is_object()) return fail(malformed(source, "a descriptor must be an object"));
  const Json* size = find_key(json, "size");
  if (!size || !size->is_number_unsigned() || size->get<std::uint64_t>() > max_blob)
    return fail(malformed(source, "a descriptor's size is missing or impossible"));
  auto digest = Digest::parse(get_string(json, "digest"));
  if (!digest) return fail(malformed(source, digest.error().message()));
  Descriptor descriptor{get_string(json, "mediaType"), *digest, size->get<std::uint64_t>(), {}, {}, {}, false, {}};
  if (const Json* platform = find_key(json, "platform"); platform && platform->is_object())
    descriptor.platform =
        Platform{get_string(*platform, "os"), get_string(*platform, "architecture"), get_string(*platform, "variant")};
  if (const Json* notes = find_key(json, "annotations")) {
    descriptor.annotation_name = get_string(*notes, "org.opencontainers.image.ref.name");
    descriptor.annotation_full_name = get_string(*notes, "io.containerd.image.name");
    descriptor.attestation = get_string(*notes, "vnd.docker.reference.type") == "attestation-manifest";
  }
  descriptor.urls = get_strings(json, "urls");
  return descriptor;
}

Result<std::vector<Descriptor>> read_list(const Json& json, std::size_t limit, const std::string& source) {
  if (!json.is_array() || json.size() > limit) return fail(malformed(source, "a list is missing or too long"));
  std::vector<Descriptor> list;
  for (const Json& item : json) list.push_back(TRY(read_descriptor(item, source)));
  return list;
}

Json format_descriptor(const Descriptor& descriptor) {
  Json json = Json::object();
  json["mediaType"] = descriptor.media_type;
  json["size"] = descriptor.size;
  json["digest"] = descriptor.digest.text();
  return json;
}

}  // namespace

Result<ManifestOrIndex> parse_any_manifest(std::string_view text, std::string_view content_type,
                                           const std::string& source) {
  const Json root = TRY(parse_json(text, "manifest of " + source));
  if (!root.is_object()) return fail(malformed(source, "an object is expected"));
  if (get_int(root, "schemaVersion") != 2)
    return fail(Error(Code::unsupported, "read manifest")
                    .on(source)
                    .why("its format is Docker's schema 1, which is no longer in use")
                    .hint("push the image again with a newer client"));
  std::string type = get_string(root, "mediaType");
  if (type.empty()) type = std::string(trim(content_type.substr(0, content_type.find(';'))));
  const Json* manifests = find_key(root, "manifests");
  const Json* config = find_key(root, "config");
  ManifestOrIndex result;
  if (manifests && !config) {
    std::vector<Descriptor> entries = TRY(read_list(*manifests, max_manifests, source));
    result.index = Index{type, std::move(entries)};
    return result;
  }
  const Json* layers = find_key(root, "layers");
  if (!config || !layers) return fail(malformed(source, "neither a manifest nor an index"));
  if (manifests) return fail(malformed(source, "both a manifest and an index"));  // CVE-2021-41190
  // Not inside the braces: returning from there would leak the aggregate's parts that are already constructed.
  Descriptor config_blob = TRY(read_descriptor(*config, source));
  std::vector<Descriptor> layer_blobs = TRY(read_list(*layers, max_layers, source));
  result.manifest = Manifest{type, std::move(config_blob), std::move(layer_blobs)};
  return result;
}

Result<ManifestOrIndex> parse_manifest(std::string_view text, std::string_view content_type,
                                       const std::string& source) {
  ManifestOrIndex result = TRY(parse_any_manifest(text, content_type, source));
  if (!result.manifest) return result;
  const Manifest& manifest = *result.manifest;
  // Types written by old clients, which still exist on some registries.
  constexpr std::array image_configs{media::docker_config, media::oci_config,
                                     std::string_view("application/octet-stream"), std::string_view("text/html"),
                                     std::string_view()};
  if (std::ranges::find(image_configs, manifest.config.media_type) == image_configs.end())
    return fail(Error(Code::unsupported, "read manifest")
                    .on(source)
                    .why("it is not a container image but \"" + manifest.config.media_type.substr(0, 100) + "\""));
  for (const Descriptor& layer : manifest.layers)
    if (!is_layer_type(layer.media_type) && layer.media_type != "application/octet-stream")
      return fail(Error(Code::unsupported, "read manifest")
                      .on(source)
                      .why("unknown layer type \"" + layer.media_type.substr(0, 100) + "\""));
  return result;
}

Result<Descriptor> choose_platform(const Index& index, const Platform& platform, const std::string& reference) {
  const Descriptor* best = nullptr;
  int best_score = 0;
  std::vector<std::string> offered;
  for (const Descriptor& entry : index.manifests) {
    if (entry.attestation || (entry.platform && entry.platform->os == "unknown")) continue;
    // Without a platform there is nothing to compare; a single entry is used.
    const int score = entry.platform ? match(platform, *entry.platform) : 1;
    if (entry.platform) offered.push_back(entry.platform->text());
    if (score > best_score) {
      best = &entry;
      best_score = score;
    }
  }
  if (best) return *best;
  return fail(Error(Code::not_found,
                    "no matching manifest for " + platform.text() + " in the manifest list entries of " + reference)
                  .hint(offered.empty() ? "" : "it exists for " + join(offered, ", ")));
}

std::string format_manifest(const Manifest& manifest) {
  Json root = Json::object();
  root["schemaVersion"] = 2;
  root["mediaType"] = manifest.media_type;
  root["config"] = format_descriptor(manifest.config);
  Json layers = Json::array();
  for (const Descriptor& layer : manifest.layers) layers.push_back(format_descriptor(layer));
  root["layers"] = std::move(layers);
  return dump_json(root, 3);
}

std::string format_index(const std::vector<Descriptor>& manifests) {
  Json root = Json::object();
  root["schemaVersion"] = 2;
  root["mediaType"] = media::oci_index;
  Json list = Json::array();
  for (const Descriptor& entry : manifests) {
    Json json = format_descriptor(entry);
    if (entry.platform) {
      json["platform"] = Json{{"architecture", entry.platform->architecture}, {"os", entry.platform->os}};
      if (!entry.platform->variant.empty()) json["platform"]["variant"] = entry.platform->variant;
    }
    if (!entry.annotation_full_name.empty())
      json["annotations"] = Json{{"io.containerd.image.name", entry.annotation_full_name},
                                 {"org.opencontainers.image.ref.name", entry.annotation_name}};
    list.push_back(std::move(json));
  }
  root["manifests"] = std::move(list);
  return dump_json(root, 3);
}

bool is_layer_type(std::string_view media_type) {
  constexpr std::array known{media::docker_layer_gzip,
                             media::oci_layer,
                             media::oci_layer_gzip,
                             media::oci_layer_zstd,
                             std::string_view("application/vnd.docker.image.rootfs.diff.tar"),
                             std::string_view("application/vnd.docker.image.rootfs.diff.tar.zstd"),
                             std::string_view("application/vnd.oci.image.layer.nondistributable.v1.tar"),
                             std::string_view("application/vnd.oci.image.layer.nondistributable.v1.tar+gzip"),
                             std::string_view("application/vnd.docker.image.rootfs.foreign.diff.tar.gzip")};
  return std::ranges::find(known, media_type) != known.end();
}

bool is_manifest_type(std::string_view media_type) {
  constexpr std::array known{media::docker_manifest, media::docker_index, media::oci_manifest, media::oci_index};
  return std::ranges::find(known, media_type) != known.end();
}

}  // namespace consort::image

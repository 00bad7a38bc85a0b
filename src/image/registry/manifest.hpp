// Parses and writes manifests and indexes, both Docker's (schema 2) and OCI's.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "image/platform.hpp"
#include "image/reference.hpp"

namespace consort::image {

namespace media {
inline constexpr std::string_view docker_manifest = "application/vnd.docker.distribution.manifest.v2+json";
inline constexpr std::string_view docker_index = "application/vnd.docker.distribution.manifest.list.v2+json";
inline constexpr std::string_view docker_config = "application/vnd.docker.container.image.v1+json";
inline constexpr std::string_view docker_layer_gzip = "application/vnd.docker.image.rootfs.diff.tar.gzip";
inline constexpr std::string_view oci_manifest = "application/vnd.oci.image.manifest.v1+json";
inline constexpr std::string_view oci_index = "application/vnd.oci.image.index.v1+json";
inline constexpr std::string_view oci_config = "application/vnd.oci.image.config.v1+json";
inline constexpr std::string_view oci_layer = "application/vnd.oci.image.layer.v1.tar";
inline constexpr std::string_view oci_layer_gzip = "application/vnd.oci.image.layer.v1.tar+gzip";
inline constexpr std::string_view oci_layer_zstd = "application/vnd.oci.image.layer.v1.tar+zstd";
}  // namespace media

inline constexpr std::size_t max_manifest_bytes = 4 << 20;  // the distribution spec's limit

struct Descriptor {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;
  std::optional<Platform> platform;  // in an index
  std::string annotation_name;       // org.opencontainers.image.ref.name, in a layout's index
  std::string annotation_full_name;  // io.containerd.image.name, likewise
  bool attestation = false;          // in an index: build provenance, not an image
  std::vector<std::string> urls;     // of foreign layers (Windows); not fetched
};

struct Manifest {
  std::string media_type;
  Descriptor config;
  std::vector<Descriptor> layers;  // base first
};

struct Index {
  std::string media_type;
  std::vector<Descriptor> manifests;
};

struct ManifestOrIndex {
  std::optional<Manifest> manifest;  // exactly one of the two is set
  std::optional<Index> index;
};

// content_type: the server's header; the text's own mediaType has precedence. source names the text in errors.
Result<ManifestOrIndex> parse_manifest(std::string_view text, std::string_view content_type, const std::string& source);

// The same, but allows any media type for the configuration and the layers.
Result<ManifestOrIndex> parse_any_manifest(std::string_view text, std::string_view content_type,
                                           const std::string& source);

// The best entry for a platform. Code::not_found lists the available platforms.
Result<Descriptor> choose_platform(const Index& index, const Platform& platform, const std::string& reference);

std::string format_manifest(const Manifest& manifest);
// Formats an OCI index. Entries carry their platforms and, as annotation_full_name and annotation_name, their names.
std::string format_index(const std::vector<Descriptor>& manifests);

bool is_layer_type(std::string_view media_type);
bool is_manifest_type(std::string_view media_type);  // a manifest's or an index's

}  // namespace consort::image

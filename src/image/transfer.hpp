// Transfers images between this machine and registries, archives and root file systems.
#pragma once

#include <chrono>
#include <functional>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "image/config.hpp"
#include "image/image.hpp"
#include "image/progress.hpp"
#include "image/reference.hpp"

namespace consort::image {

class Store;  // image/store.hpp

// How long to wait for registries. Attempts are repeated after pauses that double, until the limit has passed since
// data last arrived.
struct Patience {
  std::chrono::milliseconds first_pause{200};
  std::chrono::milliseconds longest_pause{10'000};
  std::chrono::milliseconds manifests{3'000};  // the first request: the name may simply be wrong
  std::chrono::milliseconds layers{60'000};    // the registry has already answered by then
  std::chrono::milliseconds connect{20'000};   // for establishing a connection
  // Shorter limits for mirrors: they exist for speed, and there is another location to ask.
  std::chrono::milliseconds mirror_connect{4'000};
  std::chrono::milliseconds mirror_answer{8'000};  // for a manifest to begin to arrive
  std::chrono::seconds mirror_stall{15};           // for the next byte of a layer
  std::chrono::milliseconds mirror_manifests{1'000};
  std::chrono::milliseconds mirror_layers{4'000};
};

// What is needed to access registries: files and environment, read once. Cheap to create.
struct RegistryOptions {
  std::string docker_config;          // "": $DOCKER_CONFIG/config.json or ~/.docker/config.json
  std::string registries_conf;        // "": $CONTAINERS_REGISTRIES_CONF, ~/.config/containers, /etc/containers
  std::string docker_daemon;          // "": /etc/docker/daemon.json, for what registries.conf does not say
  std::vector<std::string> insecure;  // registries for which plain HTTP or unverified TLS is allowed
  // Directories with HOST[:PORT]/{*.crt,*.cert,*.key}. Empty: certs.d of ~/.config/containers,
  // /etc/containers and /etc/docker.
  std::vector<std::string> certificate_directories;
  Patience patience{};
  // Called, from any thread, for problems that do not stop the work: a file or a helper that yields no credentials.
  std::function<void(const std::string&)> warn{};
};

struct PullOptions {
  std::optional<Platform> platform;  // none: this machine's
  enum class Policy : std::uint8_t { always, missing, never } policy = Policy::always;
  RegistryOptions registry;
  std::stop_token cancel;  // when stopped: Code::interrupted, and nothing is left half-done
  unsigned parallel_layers = 4;
  std::uint64_t max_layer_bytes = 0;      // unpacked; more is Code::invalid. 0: $CONSORT_MAX_LAYER_SIZE, else 64 GiB
  std::uint64_t max_entries = 4'000'000;  // per layer
};

struct PullResult {
  Image image;
  Digest manifest;       // of the manifest, or of the index it was chosen from; shown in repo digests
  bool changed = false;  // false: the image was already up to date
};

// Pulls the image and gives it its name. Errors have Docker's text: "manifest for x:y not found: manifest unknown: ..."
// (hint: similar tags), "pull access denied for x, repository does not exist or may require 'docker login'", and for
// Policy::never "No such image: x:y".
Result<PullResult> pull(Store& store, const Reference& reference, const PullOptions& options,
                        const Progress& progress = {});

struct PushOptions {
  std::optional<Platform> platform;  // only this one of the name's images
  RegistryOptions registry;
  std::stop_token cancel;
};
struct PushResult {
  Digest manifest;
  std::uint64_t size = 0;  // of the manifest, as `docker push` prints it
};
// Pushes the local image of this name or, if the name has images for several platforms, all of them under an OCI index.
// Layers that came from a registry are pushed in their original form; others are compressed now.
Result<PushResult> push(Store& store, const Reference& reference, const PushOptions& options,
                        const Progress& progress = {});

// The digest of a reference at the registry, of the index if it is one (config --resolve-image-digests).
// Errors are those of pull().
Result<Digest> resolve_digest(const Reference& reference, const RegistryOptions& options);

// The manifest or index that a registry has under a name. It is not stored.
struct RemoteImage {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;           // of the manifest or index
  std::vector<Platform> platforms;  // platforms that it has images for
};
Result<RemoteImage> inspect_remote(const Reference& reference, const RegistryOptions& options);

// --- Credentials: ~/.docker/config.json, or the credential helper it names.
struct Login {
  std::string username;
  std::string password;  // or an identity token
};
// Verifies the login with the registry, then stores it. Returns where it was stored, for the message.
Result<std::string> login(const std::string& registry, const Login& login, const RegistryOptions& options,
                          const std::stop_token& cancel = {});
Result<> logout(const std::string& registry, const RegistryOptions& options);

// --- Archives.
enum class ArchiveFormat : std::uint8_t {
  docker,      // as `docker save` writes it today: an OCI layout with Docker's manifest.json next to it
  oci_layout,  // the OCI layout alone
};
// Writes a tar to `out`. names: as for Store::find; a name's images for several platforms are saved as one index.
struct SaveOptions {
  ArchiveFormat format = ArchiveFormat::docker;
  std::optional<Platform> platform{};  // only this one of each name's images
  std::stop_token cancel{};
};
Result<> save(Store& store, const std::vector<std::string>& names, int out, const SaveOptions& options = {});
struct LoadResult {
  std::vector<Image> images;       // each image of a name that has several platforms
  std::vector<std::string> names;  // full names that were assigned
};
// Reads archives of docker save (old and new) and OCI layouts, compressed (gzip, zstd) or not, from a pipe or a file.
// Of an index, all platforms in the archive are loaded, or the one in the options.
Result<LoadResult> load(Store& store, int in, const PullOptions& options = {}, const Progress& progress = {});

// --- Root file systems.
struct ImportOptions {
  std::vector<Reference> names;
  ImageConfig config;   // architecture, created and history are filled in if empty
  std::string comment;  // of the history entry
  PullOptions limits;
};
// Turns a tar (also gzip or zstd) into an image with one layer.
Result<Image> import_rootfs(Store& store, int in, const ImportOptions& options, const Progress& progress = {});
// As `docker commit`: adds a container's upper directory to its image as a new layer. options.config is the complete
// new configuration (start from Store::config_of(parent)). The container may be running. The caller must ignore
// SIGPIPE.
struct CommitOptions : ImportOptions {
  std::vector<std::string> leave_out;  // paths without a leading "/" that only serve as mount points
};
Result<Image> commit_container(Store& store, const Image& parent, const std::string& upper,
                               const CommitOptions& options);
// Writes the merged file system as one tar. lower: overlay directories, top first; upper (a container's) may be "".
Result<> export_rootfs(const std::vector<std::string>& lower, const std::string& upper, int out,
                       std::stop_token cancel = {});

}  // namespace consort::image

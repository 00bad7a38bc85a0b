// Images from elsewhere and to elsewhere: registries, archives, root file systems.
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

// How long registries are waited for. Tries are repeated after pauses that double, as long as they and the tries
// together have taken less than this since something came the last time.
struct Patience {
  std::chrono::milliseconds first_pause{200};
  std::chrono::milliseconds longest_pause{10'000};
  std::chrono::milliseconds manifests{3'000};  // what comes first: a name may just be wrong
  std::chrono::milliseconds layers{60'000};    // here the registry has answered already
  std::chrono::milliseconds connect{20'000};   // for a connection to stand
  // A mirror is there to be quick, and there is somebody else to be asked.
  std::chrono::milliseconds mirror_connect{4'000};
  std::chrono::milliseconds mirror_answer{8'000};  // for a manifest to begin to come
  std::chrono::seconds mirror_stall{15};           // for the next byte of a layer
  std::chrono::milliseconds mirror_manifests{1'000};
  std::chrono::milliseconds mirror_layers{4'000};
};

// What is needed to speak to registries: files and environment read once. Cheap to make.
struct RegistryOptions {
  std::string docker_config;          // "": $DOCKER_CONFIG/config.json or ~/.docker/config.json
  std::string registries_conf;        // "": $CONTAINERS_REGISTRIES_CONF, ~/.config/containers, /etc/containers
  std::string docker_daemon;          // "": /etc/docker/daemon.json, for what registries.conf says nothing about
  std::vector<std::string> insecure;  // registries that plain HTTP or unverified TLS is allowed for
  // Directories with HOST[:PORT]/{*.crt,*.cert,*.key}. Empty: certs.d of ~/.config/containers,
  // /etc/containers and /etc/docker.
  std::vector<std::string> certificate_folders;
  Patience patience{};
  // Told, from any thread, what is wrong but does not stop the work: a file or a helper that gives no credentials.
  std::function<void(const std::string&)> warn{};
};

struct PullOptions {
  std::optional<Platform> platform;  // none: this machine's
  enum class Policy : std::uint8_t { always, missing, never } policy = Policy::always;
  RegistryOptions registry;
  std::stop_token cancel;  // interrupted: Code::interrupted, nothing half-made
  unsigned parallel_layers = 4;
  std::uint64_t max_layer_bytes = 0;      // unpacked; more is Code::invalid. 0: $CONSORT_MAX_LAYER_SIZE, else 64 GiB
  std::uint64_t max_entries = 4'000'000;  // per layer
};

struct PullResult {
  Image image;
  Digest manifest;       // of the image's manifest or the index it was chosen from: what repo digests show
  bool changed = false;  // false: the image was up to date
};

// Brings the image here and gives it its name. Errors carry Docker's words: "manifest for x:y not found: manifest
// unknown: ..." (hint: the tags that look like it), "pull access denied for x, repository does not exist or may require
// 'docker login'", and for Policy::never "No such image: x:y".
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
// Pushes the local image that has this name, or, if it has several for different platforms, all of them under an OCI
// index. Layers that came from a registry go as they came; others are packed now.
Result<PushResult> push(Store& store, const Reference& reference, const PushOptions& options,
                        const Progress& progress = {});

// The digest a reference stands for at the registry, of the index if it is one (config --resolve-image-digests).
// Errors are those of pull().
Result<Digest> resolve_digest(const Reference& reference, const RegistryOptions& options);

// What a registry has under a name: the manifest or index, which is not kept.
struct RemoteImage {
  std::string media_type;
  Digest digest;
  std::uint64_t size = 0;           // of the manifest or index
  std::vector<Platform> platforms;  // that it has images for
};
Result<RemoteImage> inspect_remote(const Reference& reference, const RegistryOptions& options);

// --- Credentials: ~/.docker/config.json, or the helper it names.
struct Login {
  std::string username;
  std::string password;  // or an identity token
};
// Checks them with the registry, then stores them. Gives where they were stored, for the message.
Result<std::string> login(const std::string& registry, const Login& login, const RegistryOptions& options,
                          const std::stop_token& cancel = {});
Result<> logout(const std::string& registry, const RegistryOptions& options);

// --- Archives.
enum class ArchiveFormat : std::uint8_t {
  docker,      // as `docker save` writes it today: an OCI layout with Docker's manifest.json next to it
  oci_layout,  // the OCI layout alone
};
// Writes a tar to out. names: as for Store::find; a name's images for several platforms go as one index.
struct SaveOptions {
  ArchiveFormat format = ArchiveFormat::docker;
  std::optional<Platform> platform{};  // only this one of each name's images
  std::stop_token cancel{};
};
Result<> save(Store& store, const std::vector<std::string>& names, int out, const SaveOptions& options = {});
struct LoadResult {
  std::vector<Image> images;       // of a name for several platforms, each
  std::vector<std::string> names;  // full names given
};
// Reads docker save's archives (old and new) and OCI layouts, packed (gzip, zstd) or not, from a pipe or a file. Of an
// index, all platforms that the archive holds are taken, or the one that the options ask for.
Result<LoadResult> load(Store& store, int in, const PullOptions& options = {}, const Progress& progress = {});

// --- Root file systems.
struct ImportOptions {
  std::vector<Reference> names;
  ImageConfig config;   // architecture, created and history are filled in when empty
  std::string comment;  // of the history entry
  PullOptions limits;
};
// A tar (gzip and zstd too) becomes an image of one layer.
Result<Image> import_rootfs(Store& store, int in, const ImportOptions& options, const Progress& progress = {});
// `docker commit`: a container's upper directory becomes one more layer on its image. options.config is the whole new
// configuration (start from Store::config_of(parent)). The container may be running. The caller must ignore SIGPIPE.
struct CommitOptions : ImportOptions {
  std::vector<std::string> leave_out;  // paths without a leading "/": what only holds the place of a mount
};
Result<Image> commit_container(Store& store, const Image& parent, const std::string& upper,
                               const CommitOptions& options);
// The merged file system as one tar. lower: overlay directories, top first; upper (a container's) may be "".
Result<> export_rootfs(const std::vector<std::string>& lower, const std::string& upper, int out,
                       std::stop_token cancel = {});

}  // namespace consort::image

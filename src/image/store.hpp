// The images on this machine, their layers (unpacked, ready for overlayfs) and the blobs they arrived as.
//
// Terms: a *blob* is a byte sequence named by its digest (blobs/sha256/HEX). A *layer* here is a directory in
// overlayfs's own form (whiteouts are character devices 0:0, opaque directories have the overlay.opaque attribute),
// layers/ID/diff, named by a short random ID; its *diff ID* is the digest of its uncompressed tar. A layer does not
// depend on those below it, so images share layers with the same diff ID. An *image* is a configuration plus layers;
// its ID is the digest of the configuration. A *name* refers to one image, and may have further images for other
// platforms; the name's own image is the one that suits this machine best. A *hold* keeps a layer or an image for an
// owner outside this module (a container, the build cache).
//
// Several commands may use one store at once. Unreferenced content is safe while its maker has a Session (a shared file
// lock, which ends with the process); files are only deleted under the exclusive lock.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "base/os/trees/trash.hpp"
#include "base/roots.hpp"
#include "image/config.hpp"
#include "image/image.hpp"
#include "image/platform.hpp"
#include "image/reference.hpp"

namespace SQLite {
class Database;
}
namespace consort {
class Database;
}

namespace consort::image {

// While a Session exists, unreferenced content is not deleted. Keep one while creating or using content until a record
// refers to it.
class Session {
 public:
  explicit Session(Fd lock) : lock_(std::move(lock)) {}

 private:
  Fd lock_;
};

// A directory to fill and then pass to commit_layer, on the store's file system. The destructor removes it unless it
// was committed. work() is an empty sibling, for overlayfs's workdir.
class LayerDraft {
 public:
  LayerDraft(ScratchDirectory base, Fd lock) : lock_(std::move(lock)), base_(std::move(base)) {}

  std::string directory() const { return base_.path() + "/diff"; }
  std::string work() const { return base_.path() + "/work"; }

 private:
  friend class Store;
  Fd lock_;                // of the store
  ScratchDirectory base_;  // a draft without a living maker was left by a crash and is swept
};

class Store {
 public:
  // Cheap: opens the database and creates missing directories. The roots must have been prepared.
  static Result<Store> open(const Roots& roots);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  // --- Images. Code::not_found: "No such image: X".
  // text: a reference ("postgres:15", "postgres@sha256:..."), an ID ("sha256:...") or a unique prefix of one.
  // platform: the name's best image for it, which must suit it; without one: the name's own image.
  Result<Image> find(std::string_view text, const std::optional<Platform>& platform = {}) const;
  Result<Image> find(const Reference& reference, const std::optional<Platform>& platform = {}) const;
  // As find(), but nullopt instead of Code::not_found.
  Result<std::optional<Image>> look_up(std::string_view text, const std::optional<Platform>& platform = {}) const;
  // All images of a name, its own first; for an ID, only that image.
  Result<std::vector<Image>> platforms_of(std::string_view text) const;
  Result<std::vector<Image>> list() const;  // newest first
  Result<ImageConfig> config_of(const Image& image) const;
  Result<std::string> raw_config_of(const Image& image) const;
  // Overlay lower directories, top layer first; never empty (an image without layers gets an empty directory).
  Result<std::vector<std::string>> layer_paths(const Image& image) const;
  // The manifest that it was pulled with, if the store has its blob.
  Result<std::optional<Digest>> manifest_of(const Image& image) const;
  Result<std::vector<LayerInfo>> layers_of(const Image& image) const;  // base layer first

  // Gives a name to an image, or to images for several platforms, taking it from any image that had it.
  Result<> tag(const Image& image, const Reference& name);
  Result<> tag(const std::vector<Image>& images, const Reference& name);
  Result<> add_digest(const Image& image, const Reference& name_with_digest);
  enum class Removal : std::uint8_t { normal, force };
  // As `docker rmi`: removes a name, and each of its images (for all platforms) with the last name; an image given by
  // ID only if it has at most one name. Images in use are Code::conflict, which names the users; `force` removes the
  // name anyway, but never content that is held.
  Result<RemoveReport> remove(std::string_view text, Removal removal, const ImageUsers& users = {});
  Result<PruneReport> prune(const PruneOptions& options, const ImageUsers& users = {});
  // Deletes unreferenced content, unless other commands are working: then the next removal or prune does it.
  Result<> sweep();
  // Deletes what dead processes were creating or had not finished deleting. Commands that work with content call it
  // first. It costs four directory listings if there is nothing; partial downloads stay for the next pull.
  Result<> sweep_abandoned();

  // --- Holds: `owner` names the holder ("container:ID", "build:KEY"). Its holds are dropped all at once.
  enum class HoldKind : std::uint8_t { image, layer };
  Result<> hold(const std::string& owner, HoldKind kind, const std::string& id);
  Result<> release(const std::string& owner);
  // The same within a transaction on database(), which throws SQLite::Exception, so that a hold is created and removed
  // together with its owner's record.
  static void hold_within(SQLite::Database& transaction, const std::string& owner, HoldKind kind,
                          const std::string& id);
  static void release_within(SQLite::Database& transaction, const std::string& owner);
  // The store's own connection, for modules with tables in the same file.
  Database database() const;

  // --- Creating content.
  Result<Session> session() const;
  Result<LayerDraft> new_layer() const;
  // Takes over the directory, a draft's or any other, by renaming it. It must be on the same file system, in overlay
  // form, and not mounted. The diff ID is not computed yet.
  Result<LayerInfo> commit_layer(LayerDraft draft);
  Result<LayerInfo> commit_layer(const std::string& directory);
  // For a layer unpacked from a tar with this diff ID. Returns the existing layer if there is one.
  Result<LayerInfo> commit_unpacked(LayerDraft draft, const Digest& diff_id, const std::optional<Digest>& blob,
                                    std::uint64_t size);
  // Makes everything written so far survive a crash of the machine. Call it once before a record refers to content from
  // outside: one call for all files is far cheaper than one per file.
  Result<> flush() const;
  Result<> set_blob(const std::string& layer_id, const Digest& blob);  // its compressed form is now in the store
  Result<LayerInfo> layer(const std::string& id) const;                // Code::not_found if it is gone
  // Computes (once) the digest of the layer's tar. It reads every file, so use a thread of its own if possible.
  Result<Digest> diff_id(const std::string& layer_id) const;
  // Layers are given base first; config.diff_ids is filled in here. The ID is that of the configuration. There may be
  // no names. An existing image of the same ID only gets the names.
  Result<Image> create_image(ImageConfig config, const std::vector<std::string>& layer_ids,
                             const std::vector<Reference>& names, Naming naming = Naming::alone);
  // The same with the configuration's original bytes (pull, load); its diff_ids must be those of the layers.
  Result<Image> add_image(const std::string& raw_config, const std::vector<std::string>& layer_ids,
                          const std::optional<Digest>& manifest, const std::vector<Reference>& names,
                          Naming naming = Naming::alone);
  // A committed layer with this diff ID, if any.
  Result<std::optional<LayerInfo>> find_layer(const Digest& diff_id) const;

  // --- Blobs.
  std::string blob_path(const Digest& digest) const;
  bool has_blob(const Digest& digest) const;
  Result<std::string> read_blob(const Digest& digest, std::size_t limit) const;
  Result<Digest> write_blob(std::string_view content) const;

  const Roots& roots() const;

  struct State;  // for the files of this module
  State& state() const { return *state_; }

 private:
  explicit Store(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace consort::image

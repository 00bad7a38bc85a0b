// What is on this machine: images, their layers (unpacked, ready for overlayfs) and the blobs they came as.
//
// Words: a *blob* is bytes named by their digest (blobs/sha256/HEX). A *layer* here is a directory in overlayfs's own
// form (whiteouts are character devices 0:0, opaque directories have the overlay.opaque attribute), layers/ID/diff,
// named by a short random id; its *diff ID* is the digest of its uncompressed tar. A layer does not depend on the
// layers below it, so images share it wherever its diff ID occurs. An *image* is a configuration plus layers, its id is
// the digest of the configuration. A *name* stands for one image, and may have further ones for other platforms next to
// it: the name's own is the one that suits this machine best. A *hold* keeps a layer or an image for an owner outside
// this module (a container, the build cache).
//
// Several commands use one store at once. Content that nothing refers to yet is safe while its maker has a Session
// (a shared file lock, which dies with the process); files are deleted only by whoever gets that lock alone.
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

// While one exists, nothing is deleted that is not referred to yet. Take one for as long as you make or use content
// before a record names it.
class Session {
 public:
  explicit Session(Fd lock) : lock_(std::move(lock)) {}

 private:
  Fd lock_;
};

// A directory to be filled and then given to commit_layer: is on the store's file system. Removed by the destructor if
// it was not committed. work() is an empty sibling, for overlayfs's workdir.
class LayerDraft {
 public:
  LayerDraft(ScratchFolder base, Fd lock) : lock_(std::move(lock)), base_(std::move(base)) {}

  std::string directory() const { return base_.path() + "/diff"; }
  std::string work() const { return base_.path() + "/work"; }

 private:
  friend class Store;
  Fd lock_;             // of the store
  ScratchFolder base_;  // a draft without a maker was left by a crash and is swept
};

class Store {
 public:
  // Cheap: opens the database and makes missing directories. Roots must have been prepared.
  static Result<Store> open(const Roots& roots);
  Store(Store&&) noexcept;
  Store& operator=(Store&&) noexcept;
  ~Store();

  // --- Images. Not found is Code::not_found, "No such image: X".
  // text: a reference ("postgres:15", "postgres@sha256:..."), an id ("sha256:...") or a unique start of one.
  // platform: the best of the name's images for it, which must suit it; none: the name's own.
  Result<Image> find(std::string_view text, const std::optional<Platform>& platform = {}) const;
  Result<Image> find(const Reference& reference, const std::optional<Platform>& platform = {}) const;
  // nullopt instead of not_found
  Result<std::optional<Image>> look_up(std::string_view text, const std::optional<Platform>& platform = {}) const;
  // All images of a name, its own first; of an id that one.
  Result<std::vector<Image>> platforms_of(std::string_view text) const;
  Result<std::vector<Image>> list() const;  // newest first
  Result<ImageConfig> config_of(const Image& image) const;
  Result<std::string> raw_config_of(const Image& image) const;
  // Overlay lower directories, top layer first; never empty (an image without layers gets an empty directory).
  Result<std::vector<std::string>> layer_paths(const Image& image) const;
  // The manifest it was pulled with, if its blob is in the store.
  Result<std::optional<Digest>> manifest_of(const Image& image) const;
  Result<std::vector<LayerInfo>> layers_of(const Image& image) const;  // base layer first

  // Gives (or moves) a name to an image, or to images for several platforms. Replaces what had the name.
  Result<> tag(const Image& image, const Reference& name);
  Result<> tag(const std::vector<Image>& images, const Reference& name);
  Result<> add_digest(const Image& image, const Reference& name_with_digest);
  enum class Removal : std::uint8_t { normal, force };
  // As `docker rmi`: a name is untagged, and its images (of all platforms) go, each with its last name; by id only if
  // it has at most one name. Users make it Code::conflict, naming them; `force` untags anyway but never takes content
  // that is held.
  Result<RemoveReport> remove(std::string_view text, Removal removal, const ImageUsers& users = {});
  Result<PruneReport> prune(const PruneOptions& options, const ImageUsers& users = {});
  // Deletes content that nothing refers to, unless others are working: then it waits for the next removal or prune.
  Result<> sweep();
  // Deletes what others were making when they died, and what they had not finished deleting: what commands that work
  // with content do first. Four listings where there is nothing; what a pull had got so far stays for the next one.
  Result<> sweep_abandoned();

  // --- Holds: `owner` names the holder ("container:ID", "build:KEY"). Dropped all at once.
  enum class HoldKind : std::uint8_t { image, layer };
  Result<> hold(const std::string& owner, HoldKind kind, const std::string& id);
  Result<> release(const std::string& owner);
  // The same within a transaction on database(), which throws SQLite::Exception: a hold that comes and goes with the
  // record of its owner.
  static void hold_within(SQLite::Database& transaction, const std::string& owner, HoldKind kind,
                          const std::string& id);
  static void release_within(SQLite::Database& transaction, const std::string& owner);
  // The store's own connection, for whoever has tables of their own in the same file.
  Database database() const;

  // --- Making content.
  Result<Session> session() const;
  Result<LayerDraft> new_layer() const;
  // Takes the directory over by rename (it must lie on the same file system, in overlay form, and not be mounted).
  // directory may be a draft's or any other directory. The diff ID is not computed yet.
  Result<LayerInfo> commit_layer(LayerDraft draft);
  Result<LayerInfo> commit_layer(const std::string& directory);
  // Of a layer that was unpacked from a tar with this diff ID. Gives the one that is there already, if there is one.
  Result<LayerInfo> commit_unpacked(LayerDraft draft, const Digest& diff_id, const std::optional<Digest>& blob,
                                    std::uint64_t size);
  // Everything written so far survives a crash of the machine. Once before a record names content that came from
  // outside: one call for all files costs far less than one for each.
  Result<> flush() const;
  Result<> set_blob(const std::string& layer_id, const Digest& blob);  // its packed form is in the store now
  Result<LayerInfo> layer(const std::string& id) const;                // Code::not_found if it is gone
  // Computes (once) the digest of the layer's tar: reads every file, so do it in a thread of its own if you can.
  Result<Digest> diff_id(const std::string& layer_id) const;
  // Layers base first; config.diff_ids are filled in here. The id is that of the configuration. Names may be none.
  // An existing image of the same id just gets the names.
  Result<Image> create_image(ImageConfig config, const std::vector<std::string>& layer_ids,
                             const std::vector<Reference>& names, Naming naming = Naming::alone);
  // The same with the configuration's bytes as they came (pull, load); their diff_ids must be those of the layers.
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

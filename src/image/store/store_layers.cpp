#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/os/files/file.hpp"
#include "base/os/trees/spread.hpp"
#include "base/sha256.hpp"
#include "base/strings.hpp"
#include "image/layer_tar.hpp"
#include "image/store/store_state.hpp"

namespace consort::image {

namespace {

// Short, because before Linux 6.5 all lower directories of an overlay must fit into one page of text.
constexpr std::size_t layer_id_digits = 20;
std::string new_layer_id() {
  return random_id().substr(0, layer_id_digits);
}

}  // namespace

LayerInfo read_layer(const Store::State& state, SQLite::Statement& row) {
  LayerInfo layer;
  layer.id = row.getColumn(0).getString();
  layer.directory = state.layer_directory(layer.id);
  if (!row.isColumnNull(1)) layer.diff_id = Digest::from_hex(row.getColumn(1).getString());
  if (!row.isColumnNull(2)) layer.blob = Digest::from_hex(row.getColumn(2).getString());
  layer.size = static_cast<std::uint64_t>(row.getColumn(3).getInt64());
  return layer;
}

Result<LayerDraft> Store::new_layer() const {
  Fd lock = TRY(lock_store(*state_, Locking::shared));
  if (const Result<Fd> layers = open_file(state_->roots.layers(), O_RDONLY | O_DIRECTORY))
    spread_subdirectories(layers->get());
  LayerDraft draft(TRY(ScratchDirectory::create(state_->roots.layers(), State::draft_prefix)), std::move(lock));
  // "/" gets the mode of the topmost layer: 0755 unless that sets another.
  for (const std::string& path : {draft.directory(), draft.work()}) {
    TRY(make_directories(path, 0755));
    if (::chmod(path.c_str(), 0755) != 0) return fail_errno("set mode of", path);
  }
  return draft;
}

Result<LayerInfo> Store::commit_layer(LayerDraft draft) {
  return commit_layer(draft.directory());
}

namespace {

// Moves the directory to its place; no record refers to it yet.
Result<LayerInfo> place_layer(const Store::State& state, const std::string& directory) {
  LayerInfo info;
  info.id = new_layer_id();
  info.directory = state.layer_directory(info.id);
  TRY(make_directories(state.layer_base(info.id), 0700));
  if (Result<> moved = rename_path(directory, info.directory); !moved) {
    ::rmdir(state.layer_base(info.id).c_str());
    return fail(std::move(moved).error().wrap("commit layer"));
  }
  return info;
}

void insert_layer(SQLite::Database& db, const LayerInfo& info) {
  SQLite::Statement insert(db, "INSERT INTO image_layers(id, diff_id, blob, size, created) VALUES(?, ?, ?, ?, ?)");
  insert.bind(1, info.id);
  if (info.diff_id) insert.bind(2, info.diff_id->hex());
  if (info.blob) insert.bind(3, info.blob->hex());
  insert.bind(4, static_cast<std::int64_t>(info.size));
  insert.bind(5, static_cast<std::int64_t>(system_now().time_since_epoch().count()));
  insert.exec();
}

// If several have the same content: the one that can be pushed as it is.
std::optional<LayerInfo> select_layer(const Store::State& state, SQLite::Database& db, const Digest& diff_id) {
  SQLite::Statement select(db, std::string("SELECT ") + layer_columns +
                                   " FROM image_layers l WHERE l.diff_id = ? ORDER BY l.blob IS NULL LIMIT 1");
  select.bind(1, diff_id.hex());
  if (!select.executeStep()) return std::nullopt;
  return read_layer(state, select);
}

}  // namespace

Result<LayerInfo> Store::commit_layer(const std::string& directory) {
  const Fd lock = TRY(lock_store(*state_, Locking::shared));
  LayerInfo info = TRY(place_layer(*state_, directory));
  TRY(state_->database.query("record layer", [&](SQLite::Database& db) { insert_layer(db, info); }));
  return info;
}

Result<LayerInfo> Store::layer(const std::string& id) const {
  return state_->database.query("find layer", [&](SQLite::Database& db) -> Result<LayerInfo> {
    SQLite::Statement select(db, std::string("SELECT ") + layer_columns + " FROM image_layers l WHERE l.id = ?");
    select.bind(1, id);
    if (!select.executeStep()) return fail(Code::not_found, "find layer", id);
    return read_layer(*state_, select);
  });
}

Result<std::optional<LayerInfo>> Store::find_layer(const Digest& diff_id) const {
  return state_->database.query("find layer", [&](SQLite::Database& db) { return select_layer(*state_, db, diff_id); });
}

Result<Digest> Store::diff_id(const std::string& layer_id) const {
  const std::scoped_lock once(state_->diff_mutex);
  const LayerInfo info = TRY(layer(layer_id));
  if (info.diff_id) return *info.diff_id;
  Sha256 hash;
  const auto sink = [&](std::span<const std::byte> bytes) -> Result<> {
    hash.update(bytes);
    return {};
  };
  const std::uint64_t size = TRY(pack_layer(info.directory, sink));
  Digest digest = Digest::from_hex(hash.finish());
  TRY(state_->database.query("record layer digest", [&](SQLite::Database& db) {
    SQLite::Statement update(db, "UPDATE image_layers SET diff_id = ?, size = ? WHERE id = ?");
    update.bind(1, digest.hex());
    update.bind(2, static_cast<std::int64_t>(size));
    update.bind(3, layer_id);
    update.exec();
  }));
  return digest;
}

Result<LayerInfo> Store::commit_unpacked(LayerDraft draft, const Digest& diff_id, const std::optional<Digest>& blob,
                                         std::uint64_t size) {
  const Fd lock = TRY(lock_store(*state_, Locking::shared));
  LayerInfo info = TRY(place_layer(*state_, draft.directory()));
  info.diff_id = diff_id;
  info.blob = blob;
  info.size = size;
  // Look-up and insertion in one transaction, because two commands may have unpacked it at the same time.
  auto recorded = state_->database.transaction("record layer", [&](SQLite::Database& db) {
    const std::optional<LayerInfo> known = select_layer(*state_, db, diff_id);
    if (known && (known->blob || !blob)) return *known;
    insert_layer(db, info);
    return info;
  });
  if (!recorded || recorded->id != info.id) TRY(Trash(state_->roots.layers()).remove(state_->layer_base(info.id)));
  return recorded;
}

Result<> Store::flush() const {
  const Fd fd = TRY(open_file(state_->roots.layers(), O_RDONLY | O_DIRECTORY));
  if (::syncfs(fd.get()) != 0) return fail_errno("flush to disk", state_->roots.data);
  return {};
}

Result<> Store::set_blob(const std::string& layer_id, const Digest& blob) {
  return state_->database.query("record blob of layer", [&](SQLite::Database& db) {
    SQLite::Statement update(db, "UPDATE image_layers SET blob = ? WHERE id = ?");
    update.bind(1, blob.hex());
    update.bind(2, layer_id);
    update.exec();
  });
}

}  // namespace consort::image

#include "image/store/store_sweep.hpp"

#include <algorithm>
#include <set>

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "base/os/trees/remove_tree.hpp"
#include "base/sqlite/snapshot.hpp"
#include "image/session.hpp"

namespace consort::image {

namespace {

constexpr const char* trash_name = ".trash";
constexpr const char* empty_layer = "empty";  // the lower directory of images without layers

// Sorted; empty if there is no such directory.
std::vector<std::string> names_in(const std::string& directory) {
  std::vector<std::string> names = list_directory(directory).value_or(std::vector<std::string>());
  std::ranges::sort(names);
  return names;
}

std::set<std::string> strings_of(SQLite::Database& db, const char* sql) {
  std::set<std::string> found;
  SQLite::Statement select(db, sql);
  while (select.executeStep()) found.insert(select.getColumn(0).getString());
  return found;
}

std::set<std::string> used_blobs(SQLite::Database& db) {
  return strings_of(db,
                    "SELECT substr(id, 8) FROM image_images UNION SELECT manifest FROM image_images WHERE manifest IS "
                    "NOT NULL UNION SELECT blob FROM image_layers WHERE blob IS NOT NULL");
}

std::set<std::string> known_layers(SQLite::Database& db) {
  return strings_of(db, "SELECT id FROM image_layers");
}

class LeftoverSearch {
 public:
  // Visits the directory's content, except the names for which skip() is true.
  template <typename Skip>
  void look(const std::string& directory, PruneItem::Kind kind, const Skip& skip) {
    for (const std::string& name : names_in(directory)) {
      if (name == trash_name) continue;
      if (!skip(name)) add(kind, directory, name);
    }
    for (const std::string& name : names_in(Trash(directory).directory()))
      if (name != "aside") add(PruneItem::Kind::leftover, Trash(directory).directory(), name);
  }

  std::vector<Leftover> found;

 private:
  void add(PruneItem::Kind kind, const std::string& directory, const std::string& name) {
    const std::string path = directory + "/" + name;
    found.push_back({{kind, name, {}, tree_bytes(path), {}}, directory, path});
  }
};

// Layers that a crash left without a record.
Result<std::vector<Trash::Item>> take_unrecorded(const Store::State& state) {
  std::vector<Trash::Item> taken;
  const std::set<std::string> known = TRY(state.database.query("list layers", known_layers));
  for (const std::string& name : names_in(state.roots.layers())) {
    const bool draft = name.starts_with(std::string(Store::State::draft_prefix) + "-");
    if (known.contains(name) || draft || name == trash_name || name == empty_layer) continue;
    taken.push_back(TRY(Trash(state.roots.layers()).take(state.layer_base(name))));
  }
  return taken;
}

}  // namespace

std::vector<LayerInfo> forget_unused_layers(const Store::State& state, SQLite::Database& database, Unused which) {
  std::string query = std::string("SELECT ") + layer_columns +
                      " FROM image_layers l WHERE NOT EXISTS (SELECT 1 FROM image_image_layers i WHERE i.layer_id = "
                      "l.id) AND NOT EXISTS (SELECT 1 FROM image_holds h WHERE h.kind = 1 AND h.object = l.id)";
  if (which == Unused::made_here) query += " AND l.blob IS NULL";
  std::vector<LayerInfo> unused;
  SQLite::Statement select(database, query);
  while (select.executeStep()) unused.push_back(read_layer(state, select));
  for (const LayerInfo& layer : unused) {
    SQLite::Statement remove(database, "DELETE FROM image_layers WHERE id = ?");
    remove.bind(1, layer.id);
    remove.exec();
  }
  return unused;
}

Result<> remove_taken(const std::vector<Trash::Item>& items, const std::stop_token& cancel) {
  for (const Trash::Item& item : items)
    if (!item.path.empty()) TRY(remove_tree(item.path, cancel));
  return {};
}

Result<std::uint64_t> delete_unused(const Store::State& state, Unused which, Fd lock, const std::stop_token& cancel) {
  std::set<std::string> blobs;
  const auto layers = TRY(state.database.transaction("forget unused layers", [&](SQLite::Database& db) {
    auto unused = forget_unused_layers(state, db, which);
    blobs = used_blobs(db);
    return unused;
  }));
  std::vector<Trash::Item> files;
  std::uint64_t reclaimed = 0;
  for (const LayerInfo& layer : layers) {
    files.push_back(TRY(Trash(state.roots.layers()).take(state.layer_base(layer.id))));
    reclaimed += layer.size;
  }
  for (const std::string& name : names_in(state.roots.blobs())) {
    if (which == Unused::made_here || blobs.contains(name)) continue;
    if (cancel.stop_requested()) return fail(Code::interrupted, "interrupted");
    const std::string path = state.roots.blobs() + "/" + name;
    const auto st = lstat_path(path);
    if (st) reclaimed += static_cast<std::uint64_t>(st->st_size);
    TRY(remove_file(path));
  }
  lock.reset();
  TRY(remove_taken(files, cancel));
  return reclaimed;
}

Result<std::vector<Leftover>> find_leftovers(const Store::State& state) {
  std::set<std::string> layers, blobs;
  TRY(state.database.query("list content", [&](SQLite::Database& db) {
    const Snapshot snapshot(db);
    layers = known_layers(db);
    blobs = used_blobs(db);
  }));
  LeftoverSearch search;
  search.look(state.roots.layers(), PruneItem::Kind::leftover,
              [&](const std::string& name) { return layers.contains(name) || name == empty_layer; });
  search.look(state.roots.blobs(), PruneItem::Kind::blob,
              [&](const std::string& name) { return blobs.contains(name); });
  search.look(state.ingest(), PruneItem::Kind::leftover, [](const std::string&) { return false; });
  return std::move(search.found);
}

Result<Trash::Item> take_leftover(const Store::State& state, const Leftover& leftover) {
  if (leftover.parent == state.roots.layers() || leftover.parent == state.ingest())
    return Trash(leftover.parent).take(leftover.path);
  if (leftover.parent != state.roots.blobs()) return Trash::Item{leftover.path, {}};  // in the trash already
  TRY(remove_file(leftover.path));
  return Trash::Item{};
}

Result<> sweep_store(const Store::State& state, const std::stop_token& cancel) {
  Result<Fd> lock = lock_store(state, Locking::exclusive);
  if (lock) (void)TRY(delete_unused(state, Unused::all, std::move(*lock), cancel));
  return {};
}

Result<> Store::sweep() {
  return sweep_store(*state_, {});
}

namespace {

Result<> sweep_abandoned_of(const Store::State& state, const std::stop_token& cancel) {
  const std::string layers = state.roots.layers();
  const std::size_t drafts = TRY(sweep_scratch(layers, Store::State::draft_prefix, cancel));
  const std::size_t works = TRY(sweep_scratch(state.ingest(), Store::State::work_prefix, cancel));
  TRY(sweep_trash(Trash(layers), cancel));
  TRY(sweep_trash(Trash(state.ingest()), cancel));
  if (drafts + works == 0) return {};
  // Its maker may have got as far as giving it a name, or even a record; none of that is of use to anybody.
  Result<Fd> lock = lock_store(state, Locking::exclusive);
  if (!lock) return {};
  const std::vector<Trash::Item> unrecorded = TRY(take_unrecorded(state));
  (void)TRY(delete_unused(state, works > 0 ? Unused::all : Unused::made_here, std::move(*lock), cancel));
  return remove_taken(unrecorded, cancel);
}

}  // namespace

Result<> Store::sweep_abandoned() {
  return sweep_abandoned_of(*state_, {});
}

Result<Session> begin_session(Store& store, const std::stop_token& cancel) {
  if (Result<> swept = sweep_abandoned_of(store.state(), cancel); !swept && swept.error().code() == Code::interrupted)
    return fail(std::move(swept).error());
  return Session(TRY(lock_store(store.state(), Locking::shared, cancel)));
}

}  // namespace consort::image

#include "image/store/references.hpp"

#include <unistd.h>

#include "base/os/trees/directory.hpp"
#include "base/sqlite/snapshot.hpp"

namespace consort::image {

Result<References> References::read(const Store::State& state, const std::string& forgotten) {
  References all;
  all.blobs_directory_ = state.roots.blobs();
  TRY(state.database.query("read references", [&](SQLite::Database& db) {
    const Snapshot snapshot(db);
    all.read_layers(state, db, forgotten);
    all.read_images(db);
  }));
  return all;
}

void References::read_layers(const Store::State& state, SQLite::Database& db, const std::string& forgotten) {
  SQLite::Statement layers(db, "SELECT id, blob FROM image_layers");
  while (layers.executeStep()) {
    const std::string id = layers.getColumn(0).getString();
    Layer& layer = layers_[id];
    layer.directory = state.layer_base(id);
    if (layers.isColumnNull(1)) continue;
    layer.blob = layers.getColumn(1).getString();
    ++blob_users_[layer.blob];
  }
  SQLite::Statement holds(db, "SELECT object, owner FROM image_holds WHERE kind = 1 ORDER BY owner");
  while (holds.executeStep()) {
    const std::string owner = holds.getColumn(1).getString();
    const auto layer = layers_.find(holds.getColumn(0).getString());
    const bool gone = !forgotten.empty() && owner.starts_with(forgotten);
    if (layer != layers_.end() && !gone) layer->second.holders.push_back(owner);
  }
}

void References::read_images(SQLite::Database& db) {
  SQLite::Statement images(db, "SELECT id, substr(id, 8), manifest FROM image_images");
  while (images.executeStep()) {
    Content& content = images_[images.getColumn(0).getString()];
    content.blobs.push_back(images.getColumn(1).getString());
    if (!images.isColumnNull(2)) content.blobs.push_back(images.getColumn(2).getString());
    for (const std::string& blob : content.blobs) ++blob_users_[blob];
  }
  SQLite::Statement uses(db, "SELECT image_id, layer_id FROM image_image_layers");
  while (uses.executeStep()) {
    const std::string layer = uses.getColumn(1).getString();
    images_[uses.getColumn(0).getString()].layers.push_back(layer);
    ++layers_[layer].images;
  }
}

std::uint64_t References::free_blob(const std::string& blob) {
  const auto users = blob_users_.find(blob);
  if (users == blob_users_.end() || --users->second > 0) return 0;
  counted_.insert(blob);
  return tree_bytes(blobs_directory_ + "/" + blob);
}

std::uint64_t References::free_layer(const std::string& id, const Layer& layer) {
  counted_.insert(id);
  return tree_bytes(layer.directory) + (layer.blob.empty() ? 0 : free_blob(layer.blob));
}

std::uint64_t References::drop_image(const std::string& id) {
  const auto found = images_.find(id);
  if (found == images_.end()) return 0;
  std::uint64_t bytes = 0;
  for (const std::string& blob : found->second.blobs) bytes += free_blob(blob);
  for (const std::string& name : found->second.layers) {
    Layer& layer = layers_[name];
    if (--layer.images == 0 && layer.holders.empty()) bytes += free_layer(name, layer);
  }
  images_.erase(found);
  return bytes;
}

std::vector<PruneItem> References::drop_unused_layers() {
  std::vector<PruneItem> items;
  for (const auto& [id, layer] : layers_) {
    if (layer.images > 0 || is_counted(id)) continue;
    const std::uint64_t size = layer.holders.empty() ? free_layer(id, layer) : tree_bytes(layer.directory);
    items.push_back({PruneItem::Kind::layer, id, {}, size, layer.holders});
  }
  return items;
}

}  // namespace consort::image

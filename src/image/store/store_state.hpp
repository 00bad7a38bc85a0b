// The state that the parts of Store share: the roots, the database, the file lock, and functions that read rows.
#pragma once

#include <mutex>
#include <stop_token>

#include "base/sqlite/database.hpp"
#include "image/store.hpp"

namespace consort::image {

struct Store::State {
  Roots roots;
  mutable Database database;
  mutable std::mutex diff_mutex;  // so that two threads never compute the same digest

  State(Roots r, Database d) : roots(std::move(r)), database(std::move(d)) {}

  std::string layer_base(const std::string& id) const { return roots.layers() + "/" + id; }
  std::string layer_directory(const std::string& id) const { return layer_base(id) + "/diff"; }
  std::string lock_path() const { return roots.data + "/image.lock"; }
  std::string ingest() const { return roots.data + "/ingest"; }  // incomplete downloads
  // For files that will become blobs.
  Result<ScratchDirectory> new_work() const { return ScratchDirectory::create(ingest(), work_prefix); }
  static constexpr const char* work_prefix = "work";
  static constexpr const char* draft_prefix = "draft";
};

enum class Locking : std::uint8_t { shared, exclusive };
// Shared waits for a deletion under way, until `cancel` if that comes first; exclusive does not wait: Code::busy if
// others work.
Result<Fd> lock_store(const Store::State& state, Locking locking, const std::stop_token& cancel = {});

Image read_image(SQLite::Database& database, const std::string& id);  // the id must exist
LayerInfo read_layer(const Store::State& state, SQLite::Statement& row);
// The columns that read_layer expects.
inline constexpr const char* layer_columns = "l.id, l.diff_id, l.blob, l.size";

// Call it within a transaction.
void put_name(SQLite::Database& database, const std::string& image_id, const Reference& name, Naming naming);

}  // namespace consort::image

// Finds and deletes unreferenced content. Everything here requires the store's exclusive lock.
#pragma once

#include <string>
#include <vector>

#include "image/store/store_state.hpp"

namespace consort::image {

enum class Unused : std::uint8_t {
  all,
  made_here,  // not downloads, which the next pull resumes
};
// Call it within a transaction. Removes the records of unreferenced layers and returns them, for remove_layer_files
// after the commit.
std::vector<LayerInfo> forget_unused_layers(const Store::State& state, SQLite::Database& database, Unused which);

// Deletes unreferenced files of layers and blobs. Returns the bytes freed.
Result<std::uint64_t> delete_unused(const Store::State& state, Unused which);

// Directories and files without a record, left by a crash or by a removal while other commands were working.
struct Leftover {
  PruneItem item;
  std::string parent;
  std::string path;
};
Result<std::vector<Leftover>> find_leftovers(const Store::State& state);
Result<> remove_leftover(const Store::State& state, const Leftover& leftover);

}  // namespace consort::image

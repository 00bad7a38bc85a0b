// Content that nobody refers to: what it is, and taking it away. All under the store's exclusive lock.
#pragma once

#include <string>
#include <vector>

#include "image/store/store_state.hpp"

namespace consort::image {

enum class Unused : std::uint8_t {
  all,
  made_here,  // not what was downloaded: the next pull goes on with it
};
// Inside a transaction. Forgets layers that nothing refers to; gives them, for remove_layer_files after the commit.
std::vector<LayerInfo> forget_unused_layers(const Store::State& state, SQLite::Database& database, Unused which);

// Files of layers and blobs that nothing refers to. Gives the bytes that come back.
Result<std::uint64_t> delete_unused(const Store::State& state, Unused which);

// Directories and files that no record names: left by a crash, or by a removal while others worked.
struct Leftover {
  PruneItem item;
  std::string parent;
  std::string path;
};
Result<std::vector<Leftover>> find_leftovers(const Store::State& state);
Result<> remove_leftover(const Store::State& state, const Leftover& leftover);

}  // namespace consort::image

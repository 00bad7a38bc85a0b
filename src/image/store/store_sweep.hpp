// Content that nobody refers to: what it is, and taking it away, under the store's exclusive lock.
#pragma once

#include <stop_token>
#include <string>
#include <vector>

#include "image/store/store_state.hpp"

namespace consort::image {

enum class Unused : std::uint8_t {
  all,
  made_here,  // not downloads, which the next pull resumes
};
// Inside a transaction. Forgets layers that nothing refers to; gives them: their files go after the commit.
std::vector<LayerInfo> forget_unused_layers(const Store::State& state, SQLite::Database& database, Unused which);

// Files of layers and blobs that nothing refers to. Gives the bytes that come back. Code::interrupted: layers are in
// the trash, for the next sweep, and blobs where `image prune` finds them.
// The lock is the store's exclusive one, and given up before trees are deleted: that takes long, and keeps others out.
Result<std::uint64_t> delete_unused(const Store::State& state, Unused which, Fd lock,
                                    const std::stop_token& cancel = {});
// What a command that failed has brought: for when nobody else works with the store.
Result<> sweep_store(const Store::State& state, const std::stop_token& cancel);

// Directories and files without a record, left by a crash or by a removal while other commands were working.
struct Leftover {
  PruneItem item;
  std::string parent;
  std::string path;
};
Result<std::vector<Leftover>> find_leftovers(const Store::State& state);
// Out of the way, for remove_tree() without the lock.
Result<Trash::Item> take_leftover(const Store::State& state, const Leftover& leftover);
Result<> remove_taken(const std::vector<Trash::Item>& items, const std::stop_token& cancel = {});

}  // namespace consort::image

// The references within the store: calculates what a removal would free, before it happens and without counting
// anything twice.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "image/store/store_state.hpp"

namespace consort::image {

class References {
 public:
  // Holders whose name starts with `forgotten` count as already gone; "": all count.
  static Result<References> read(const Store::State& state, const std::string& forgotten);

  // Drops the image. Returns the bytes on disk that become unreferenced: its layers, packed and unpacked, its
  // configuration and its manifest. Content that several images share is freed with the last of them.
  std::uint64_t drop_image(const std::string& id);
  // Drops the layers without an image that nobody holds; their sizes are the bytes freed, likewise.
  std::vector<PruneItem> drop_unused_layers();
  // A layer's ID or a blob's digest in hex that an earlier drop has already counted.
  bool is_counted(const std::string& object) const { return counted_.contains(object); }

 private:
  struct Layer {
    std::string directory;
    std::string blob;  // hex; "": none
    std::size_t images = 0;
    std::vector<std::string> holders;
  };
  struct Content {
    std::vector<std::string> layers, blobs;
  };

  void read_layers(const Store::State& state, SQLite::Database& db, const std::string& forgotten);
  void read_images(SQLite::Database& db);
  std::uint64_t free_blob(const std::string& blob);
  std::uint64_t free_layer(const std::string& id, const Layer& layer);

  std::string blobs_directory_;
  std::map<std::string, Layer> layers_;
  std::map<std::string, Content> images_;
  std::map<std::string, std::size_t> blob_users_;
  std::set<std::string> counted_;
};

}  // namespace consort::image

// What steps gave before, in the tables build_* of state.db. Layers named here are held in the image store.
#pragma once

#include <optional>
#include <string>

#include "base/sqlite/database.hpp"
#include "base/time.hpp"
#include "build/cache/key.hpp"
#include "image/store.hpp"

namespace consort::build {

struct CachedStep {
  std::string layer;   // id of a layer in the store
  std::string folder;  // where it is; filled in by find()
  std::string output;  // identity of the result: what the next step's key is made of
  SystemTime created{};
};

// What the key of a step begins with that is made on this one.
std::string chain_after(const std::string& base, const std::string& output);

class Cache {
 public:
  static Result<Cache> open(image::Store& store);

  // nullopt also if the layer is gone.
  Result<std::optional<CachedStep>> find(const std::string& key);
  // base: what the step was made on (its chain); "": on nothing.
  Result<> remember(const std::string& key, const std::string& title, const CachedStep& step,
                    const std::string& base = {});

  // The parts of the key that a step had when it was last built, by its place in the Dockerfile.
  Result<std::vector<KeyPart>> parts_of(const std::string& slot);
  Result<> remember_parts(const std::string& slot, const StepKey& key);

  // Digests of what was taken from a stage, which never changes.
  Result<std::optional<std::string>> source_digest(const std::string& chain, const std::string& selector);
  Result<> remember_source(const std::string& chain, const std::string& selector, const std::string& digest);

  // Forgets steps that were not used since then, and lets go of their layers.
  struct Pruned {
    std::size_t steps = 0;
  };
  Result<Pruned> prune(SystemTime unused_since);

  // What is known of each step that has a layer, the one that was used the longest ago first.
  struct Known {
    std::string key, layer;
    std::string base, chain;  // what it was made on, and what those are made on that were made on it
    SystemTime used{};
  };
  Result<std::vector<Known>> all();
  Result<> forget(const std::vector<std::string>& keys);

 private:
  Cache(image::Store& store, Database database) : store_(&store), database_(std::move(database)) {}
  image::Store* store_;
  Database database_;
};

}  // namespace consort::build

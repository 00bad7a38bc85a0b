// Results of earlier steps, in the tables build_* of state.db. The image store keeps the layers that are recorded here.
#pragma once

#include <optional>
#include <string>

#include "base/sqlite/database.hpp"
#include "base/time.hpp"
#include "build/cache/key.hpp"
#include "image/store.hpp"

namespace consort::build {

struct CachedStep {
  std::string layer;      // ID of a layer in the store
  std::string directory;  // its directory; filled in by find()
  std::string output;     // identity of the result, part of the next step's key
  SystemTime created{};
};

// The first part of the key of a step that follows this one.
std::string chain_after(const std::string& base, const std::string& output);

class Cache {
 public:
  static Result<Cache> open(image::Store& store);

  // Returns nullopt if the layer is gone, too.
  Result<std::optional<CachedStep>> find(const std::string& key);
  // base: chain of the state that the step was built on; "": scratch.
  Result<> remember(const std::string& key, const std::string& title, const CachedStep& step,
                    const std::string& base = {});

  // The parts of the key that a step had when it was last built; `slot` is its position in the Dockerfile.
  Result<std::vector<KeyPart>> parts_of(const std::string& slot);
  Result<> remember_parts(const std::string& slot, const StepKey& key);

  // Digests of files copied from a stage, which never change.
  Result<std::optional<std::string>> source_digest(const std::string& chain, const std::string& selector);
  Result<> remember_source(const std::string& chain, const std::string& selector, const std::string& digest);

  // Removes steps that were not used since then, and releases their layers.
  struct Pruned {
    std::size_t steps = 0;
  };
  Result<Pruned> prune(SystemTime unused_since);

  // All steps that have a layer, least recently used first.
  struct Known {
    std::string key, layer;
    std::string base, chain;  // what the step was built on, and what the steps built on top of it are based on
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

// What the steps of a build gave, for another machine: cache_to.
#pragma once

#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "build/cache/cache.hpp"
#include "build/cache/records.hpp"
#include "build/cache_spec.hpp"
#include "build/plan/graph.hpp"
#include "build/solve/progress.hpp"

namespace consort::build {

// A step of a build that has succeeded, run or taken from a cache.
struct MadeStep {
  std::size_t node = 0;
  int number = 0;  // of the step in its stage
  std::string key;
  CachedStep result;
};

struct CacheExport {
  image::Store& store;
  ProgressLog& log;
  struct Part {  // of each platform that was built for
    const Graph& graph;
    std::vector<MadeStep> steps;
  };
  std::vector<Part> parts;
  std::string directory;  // what relative directories count from
  std::stop_token cancel;
};

// Writes the cache to each place but inline, in this order. The first that fails ends it, unless its errors are to be
// ignored.
Result<> export_caches(const CacheExport& from, const std::vector<CacheSpec>& to);

// For the image's configuration: the steps that made its layers (ids, base first).
std::vector<CacheRecord> inline_records(const Graph& graph, std::vector<MadeStep> steps,
                                        const std::vector<std::string>& layers);

}  // namespace consort::build

// Exports the results of a build's steps for use on another machine: cache_to.
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

// A successful step of a build, executed or taken from a cache.
struct MadeStep {
  std::size_t node = 0;
  int number = 0;  // of the step within its stage
  std::string key;
  CachedStep result;
};

struct CacheExport {
  image::Store& store;
  ProgressLog& log;
  struct Part {  // for each platform built
    const Graph& graph;
    std::vector<MadeStep> steps;
  };
  std::vector<Part> parts;
  std::string directory;  // base of relative directories
  std::stop_token cancel;
};

// Writes the cache to each destination except inline, in this order. The first failure ends the export, unless the
// destination ignores errors.
Result<> export_caches(const CacheExport& from, const std::vector<CacheSpec>& to);

// For the image's configuration: the steps that produced its layers (IDs, base first).
std::vector<CacheRecord> inline_records(const Graph& graph, std::vector<MadeStep> steps,
                                        const std::vector<std::string>& layers);

}  // namespace consort::build

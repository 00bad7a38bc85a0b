// Uses step results that another machine has exported: cache_from.
#pragma once

#include <deque>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>
#include <string>
#include <vector>

#include "build/cache/cache.hpp"
#include "build/cache/records.hpp"
#include "build/cache_spec.hpp"
#include "build/solve/progress.hpp"
#include "image/artifact.hpp"
#include "image/platform.hpp"

namespace consort::build {

class CacheImports {
 public:
  // Does not access any cache yet. directory: base of relative directories. All references are borrowed.
  CacheImports(image::Store& store, ProgressLog& log, std::vector<CacheSpec> specs, std::string directory,
               image::Platform platform, std::stop_token cancel);
  ~CacheImports();

  struct Hit {
    CachedStep step;
    std::string from;  // the display name of the cache
  };
  // The first call reads all caches, showing each as a step of its own; a missing or damaged cache is reported there
  // and ignored. A hit brings the layer into the store. If a layer cannot be fetched or does not match its digest, that
  // is reported on `step` and counts as a miss. The only error is Code::interrupted. Any thread.
  Result<std::optional<Hit>> find(const std::string& key, ProgressLog::Step& step);

 private:
  struct Source {
    std::string name;
    std::unique_ptr<image::Artifact> artifact;
    std::map<std::string, CacheRecord> steps;  // by key
    std::vector<image::Digest> diff_ids;
  };
  void open_all();
  Result<Source> open(const CacheSpec& spec) const;
  Result<Hit> fetch(const Source& source, const CacheRecord& record) const;

  image::Store& store_;
  ProgressLog& log_;
  std::vector<CacheSpec> specs_;
  std::string directory_;
  image::Platform platform_;
  std::stop_token cancel_;
  std::once_flag opened_;
  std::deque<Source> sources_;  // in the given order; constant once opened
};

// "REF" or "local:DIRECTORY": the name of a cache in progress output and explanations.
std::string shown_name(const CacheSpec& spec);

}  // namespace consort::build

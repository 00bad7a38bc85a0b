// Results of steps that another machine has exported: cache_from.
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
  // Nobody is asked yet. directory: what relative directories count from. All is borrowed.
  CacheImports(image::Store& store, ProgressLog& log, std::vector<CacheSpec> specs, std::string directory,
               image::Platform platform, std::stop_token cancel);
  ~CacheImports();

  struct Hit {
    CachedStep step;
    std::string from;  // the cache, as it is shown
  };
  // The first question makes all caches be read, each shown as a step of its own; one that is not there or damaged is
  // none, and says so there. A hit brings the layer into the store. A layer that does not come, or is not what was
  // promised, is said on `step` and taken for a miss. The only error: Code::interrupted. From any thread.
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
  std::deque<Source> sources_;  // in the order given; fixed once opened
};

// "REF", or "local:FOLDER": as progress and explanations name a cache.
std::string shown_name(const CacheSpec& spec);

}  // namespace consort::build

// Builds one platform; a request for several platforms creates one of these for each.
#pragma once

#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <stop_token>
#include <string>
#include <utility>
#include <vector>

#include "build/build.hpp"
#include "build/cache/cache_export.hpp"
#include "build/cache_spec.hpp"
#include "build/context/pattern.hpp"
#include "build/plan/checks.hpp"
#include "build/plan/graph.hpp"
#include "build/plan/stage_plan.hpp"
#include "build/solve/stage_run.hpp"

namespace consort::build {

struct BaseImage {
  std::string id;  // ID of the image; "" if it has none here
  image::ImageConfig config;
  FilesState files;
};

// Shared by the builds of one request, one for each platform.
struct Common {
  const BuildRequest& request;
  BuildEnvironment& environment;
  ProgressLog& log;
  const SshAgents& agents;
  const Dockerfile& dockerfile;
  const PatternList& ignore;
  Shared::Mode mode;
  const std::vector<CacheSpec>& cache_from;
  bool inline_cache;  // include it in the image's configuration
  std::stop_source& stop;
  OnceEach<CachedStep>* together;                                       // null if only one platform is built
  std::map<std::pair<std::string, std::string>, BaseImage> bases = {};  // by image and platform
  std::set<std::string> base_titles = {};                               // already reported
  std::mutex mutex = {};                                                // protects base_titles

  bool is_first(const std::string& base_title) {
    const std::scoped_lock lock(mutex);
    return base_titles.insert(base_title).second;
  }
};

// Builds one platform: prepares, executes, and provides what the image is made of. Platforms are prepared one after the
// other and executed concurrently.
class PlatformBuild {
 public:
  PlatformBuild(Common& common, image::Platform platform, std::string scratch)
      : common_(common),
        request_(common.request),
        environment_(common.environment),
        log_(common.log),
        dockerfile_(common.dockerfile),
        mode_(common.mode),
        platform_(std::move(platform)),
        scratch_(std::move(scratch)) {}

  // Determines the stages, their bases, and all results of the checks.
  Result<> prepare();

  Result<> execute(SourceTree* context, Cache& cache);

  // The parts of the context that steps read: normalized paths and patterns; "." is all of it. Call after prepare().
  void add_context_paths(std::vector<std::string>& paths) const;

  const image::Platform& platform() const { return platform_; }
  const BuildResult& result() const { return result_; }
  const image::ImageConfig& config() const { return config_; }  // without the request's labels
  const std::vector<std::string>& layers() const { return layers_; }
  const Graph& graph() const { return graph_; }
  const std::vector<MadeStep>& made() const { return made_; }
  bool shown() const { return shown_; }  // a step has reported the failure
  const std::optional<std::string>& miss() const { return miss_; }

 private:
  static std::string rule_names(const Checks& checks);
  Result<image::Image> find_image(const Node& node, const std::string& platform);
  Result<BaseImage> load_image(const Graph& graph, const Node& node);
  Result<BaseImage> load_image(const Graph& graph, const Node& node, const std::string& platform);
  Result<BaseImage> load_layout(const Graph& graph, const Node& node);
  static BaseImage base_of(image::ImageConfig config, const std::vector<image::LayerInfo>& layers);
  Result<> load_bases(Graph& graph);
  Result<> plan(Graph& graph, const PatternList& ignore, Checks& checks);
  Result<> plan_node(Graph& graph, std::size_t i, const PatternList& ignore, Checks& checks);
  Result<> add_stage_triggers(Graph& graph, std::size_t node, const std::vector<std::string>& triggers);
  void tell_outline() const;
  Result<> set_bases(const Graph& graph, StageRuns& runs, Cache& cache);
  void set_times(image::ImageConfig& config, const Graph& graph, const StageRuns& runs) const;
  void add_missing_history(image::ImageConfig& config, const Graph& graph, const StageRuns& runs) const;

  Common& common_;
  const BuildRequest& request_;
  BuildEnvironment& environment_;
  ProgressLog& log_;
  const Dockerfile& dockerfile_;
  Shared::Mode mode_;
  image::Platform platform_;
  std::string scratch_;
  Graph graph_;
  std::vector<PlannedStage> plans_;
  std::vector<std::optional<BaseImage>> bases_;
  BuildResult result_;
  image::ImageConfig config_;
  std::vector<std::string> layers_;
  std::vector<MadeStep> made_;
  bool shown_ = false;
  std::optional<std::string> miss_;  // look_only: why a step must be run again
};

}  // namespace consort::build

// Runs the stages of a build: each in its own thread, waiting for the stages it needs.
#pragma once

#include <atomic>
#include <condition_variable>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <semaphore>
#include <stop_token>
#include <string>
#include <vector>

#include "base/once_each.hpp"
#include "build/build.hpp"
#include "build/cache/cache.hpp"
#include "build/cache/cache_export.hpp"
#include "build/cache/cache_import.hpp"
#include "build/context/tree.hpp"
#include "build/exec/ssh_agent.hpp"
#include "build/exec/stage_files.hpp"
#include "build/plan/stage_plan.hpp"
#include "build/solve/progress.hpp"

namespace consort::build {

// State shared by all stages. Lives as long as the build.
struct Shared {
  const BuildRequest& request;
  BuildEnvironment& environment;
  const Graph& graph;
  std::vector<PlannedStage>& plans;
  const Dockerfile& dockerfile;
  Cache& cache;
  ProgressLog& log;
  const SshAgents& agents;
  // Steps by key, shared by builds for several platforms: a stage with FROM --platform=$BUILDPLATFORM is the same for
  // each, even if the cache is not used. Null: there is only one platform.
  OnceEach<CachedStep>* together = nullptr;
  SourceTree* context = nullptr;                                           // null: the build has none
  int cancel_fd = -1;                                                      // readable to stop everything
  enum class Mode : std::uint8_t { build, look_only } mode = Mode::build;  // look_only: a miss is Code::not_found
  CacheImports* imports = nullptr;                                         // null: none, or not to be used
  std::stop_source transfers{};                        // stops downloads of imports together with the steps
  std::string scratch;                                 // a directory of this build, on the store's file system
  std::mutex provider_mutex{};                         // the environment's functions are called one at a time
  std::map<std::string, std::string> remote_agents{};  // sockets by ID, protected by provider_mutex
  std::mutex explain_mutex{};
  BuildResult result{};               // explanations and counts, protected by explain_mutex
  std::vector<MadeStep> made{};       // likewise
  std::optional<std::string> miss{};  // look_only: why the first step that must run must run; likewise
};

// A stage's files after the steps executed so far.
struct FilesState {
  Layers layers;
  std::string chain;  // identity, part of the next step's key
};

struct FinishedStage {
  FilesState files;
  std::vector<SystemTime> made;  // parallel to the plan's operations
};

class StageRuns {
 public:
  explicit StageRuns(Shared& shared);
  ~StageRuns();
  StageRuns(const StageRuns&) = delete;
  StageRuns& operator=(const StageRuns&) = delete;

  // The files that images and directories provide; call before run().
  void set_base(std::size_t node, FilesState files);
  // Runs all reachable nodes. Returns the first error and cancels the others.
  Result<> run();
  const FinishedStage& finished(std::size_t node) const { return runs_[node].stage; }  // after run()

  // For steps: waits until the node has finished. Code::interrupted if it failed.
  Result<const FinishedStage*> wait_for(std::size_t node);
  // The node's merged files, kept open for the rest of the build.
  Result<SourceTree*> tree_of(std::size_t node);
  void cancel();  // from any thread
  bool stopping() const { return stopping_; }
  // Limits the number of concurrent RUN steps.
  std::counting_semaphore<64>& slots() { return slots_; }

 private:
  struct Run {
    std::optional<FilesState> base;
    FinishedStage stage;  // when it is finished
    bool finished = false;
    std::unique_ptr<SourceTree> tree;
    std::mutex tree_mutex;
  };
  void run_node(std::size_t node);
  Result<FinishedStage> make(std::size_t node);
  void fail_all(Error error);

  Shared& shared_;
  std::vector<Run> runs_;
  std::mutex mutex_;
  std::condition_variable changed_;
  std::optional<Error> error_;
  std::atomic<bool> stopping_ = false;
  std::counting_semaphore<64> slots_;
};

// Executes an operation or takes its result from the cache (stage_step.cpp).
struct StepResult {
  FilesState files;
  SystemTime made{};
};
Result<StepResult> do_step(Shared& shared, StageRuns& runs, std::size_t node, const Operation& operation,
                           const FilesState& before);

}  // namespace consort::build

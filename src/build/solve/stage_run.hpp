// The stages of one build while they are made: each in a thread of its own, waiting for those it needs.
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

// Everything the stages share. Lives as long as the build.
struct Shared {
  const BuildRequest& request;
  BuildEnvironment& environment;
  const Graph& graph;
  std::vector<PlannedStage>& plans;
  const Dockerfile& dockerfile;
  Cache& cache;
  ProgressLog& log;
  const SshAgents& agents;
  // Steps by their keys, of builds for several platforms: a stage that is FROM --platform=$BUILDPLATFORM is the same
  // for each, also if the cache is not to be used. Null: this is the only one.
  OnceEach<CachedStep>* together = nullptr;
  SourceTree* context = nullptr;                                           // null: the build has none
  int cancel_fd = -1;                                                      // readable: stop everything
  enum class Mode : std::uint8_t { build, look_only } mode = Mode::build;  // look_only: a miss is Code::not_found
  CacheImports* imports = nullptr;                     // null: there are none, or they are not to be used
  std::stop_source transfers{};                        // stopped with the steps: what imports download
  std::string scratch;                                 // a directory of this build's own, on the store's file system
  std::mutex provider_mutex{};                         // the environment's functions are called one at a time
  std::map<std::string, std::string> remote_agents{};  // sockets by id, under provider_mutex
  std::mutex explain_mutex{};
  BuildResult result{};               // explanations and counts, under explain_mutex
  std::vector<MadeStep> made{};       // likewise
  std::optional<std::string> miss{};  // look_only: why the first step that must run must run; likewise
};

// A stage's files after its steps so far.
struct FilesState {
  Layers layers;
  std::string chain;  // identity: what the next step's key is made of
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

  // What images and directories bring along; before run().
  void set_base(std::size_t node, FilesState files);
  // Runs all reachable nodes. The first error wins; the others are cancelled.
  Result<> run();
  const FinishedStage& finished(std::size_t node) const { return runs_[node].stage; }  // after run()

  // For steps: waits until the node is done. Code::interrupted if it failed.
  Result<const FinishedStage*> wait_for(std::size_t node);
  // The node's merged files, kept open for the rest of the build.
  Result<SourceTree*> tree_of(std::size_t node);
  void cancel();  // from any thread
  bool stopping() const { return stopping_; }
  // How many RUN steps at once.
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

// Does one operation or takes it from the cache (stage_step.cpp).
struct StepResult {
  FilesState files;
  SystemTime made{};
};
Result<StepResult> do_step(Shared& shared, StageRuns& runs, std::size_t node, const Operation& operation,
                           const FilesState& before);

}  // namespace consort::build

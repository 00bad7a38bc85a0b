// Executes a client's build, from its request to its outputs.
#pragma once

#include <map>
#include <memory>
#include <set>
#include <stop_token>
#include <string>
#include <vector>

#include "base/os/trees/trash.hpp"
#include "buildkit/session/client.hpp"
#include "buildkit/solve/attributes.hpp"
#include "buildkit/solve/job.hpp"
#include "buildkit/solve/progress.hpp"

namespace consort::buildkit {

struct SolveInput {
  std::string session;  // ID
  Attributes attributes;
  std::map<std::string, wire::Definition> inputs;
  std::vector<wire::Exporter> exporters;
  std::vector<std::string> entitlements;
  std::vector<wire::CacheEntry> cache_imports, cache_exports;
};

struct SolveOutcome {
  std::map<std::string, std::string> response;  // of the exporters: "containerimage.digest", ...
  build::BuildResult result;
};

// For one build and one thread. All references are borrowed.
class Solver {
 public:
  Solver(engine::Engine& engine, Sessions& sessions, Jobs& jobs, Job& job, std::stop_token cancel,
         std::string scope = {})
      : engine_(engine),
        sessions_(sessions),
        jobs_(jobs),
        job_(job),
        feed_(job, std::move(scope)),
        cancel_(std::move(cancel)) {}

  Result<SolveOutcome> solve(const SolveInput& input);
  // Converts an error of solve() to a gRPC status that includes the position in the Dockerfile.
  RpcStatus status_of(const Error& error) const;
  const ProgressFeed& feed() const { return feed_; }

 private:
  struct Directories;

  Result<std::shared_ptr<Session>> session_of(const SolvePlan& plan, const std::string& directory);
  Result<> get_definition(SolvePlan& plan, const Directories& directories);
  Result<> get_remote_definition(SolvePlan& plan, const Directories& directories);
  Result<> get_named_contexts(SolvePlan& plan, const Directories& directories);
  Result<std::string> get_context(const SolvePlan& plan, const Directories& directories,
                                  const std::vector<std::string>& paths);
  Result<std::string> build_input(const SolveInput& input, const std::string& key);
  Result<> copy_if_there(int from, const std::string& name, const std::string& to) const;
  Result<std::set<std::string>> image_ids();
  void drop_image(const std::string& id, const std::set<std::string>& before);
  engine::BuildRun run_of(const SolvePlan& plan, const Directories& directories);

  engine::Engine& engine_;
  Sessions& sessions_;
  Jobs& jobs_;
  Job& job_;
  ProgressFeed feed_;
  std::stop_token cancel_;
  std::shared_ptr<Session> session_;
  std::vector<std::string> excluded_;  // patterns of the context's ignore file
  std::vector<std::unique_ptr<AgentSocket>> agents_;
  std::optional<build::StepFailure> failure_;
  int depth_ = 0;  // nesting of builds based on the results of others
};

}  // namespace consort::buildkit

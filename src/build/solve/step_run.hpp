// One operation of a stage: its key, the cache's answer, or what it does.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "build/context/context_use.hpp"
#include "build/exec/archive.hpp"
#include "build/exec/destination.hpp"
#include "build/exec/fetch.hpp"
#include "build/solve/stage_run.hpp"
#include "build/turns.hpp"

namespace consort::build {

class StepRun {
 public:
  StepRun(Shared& shared, StageRuns& runs, std::size_t node, const Operation& operation, const FilesState& before)
      : shared_(shared),
        runs_(runs),
        node_(shared.graph.nodes[node]),
        operation_(operation),
        before_(before),
        folder_(shared.scratch + "/step-" + std::to_string(node) + "-" + std::to_string(operation.history)),
        progress_(nullptr) {}

  Result<StepResult> run();

 private:
  // One source of a COPY with what was found out about it while the key was made.
  struct Prepared {
    CopySource source;
    SourceTree* tree = nullptr;       // paths
    std::vector<Selected> selection;  // paths; empty and not looked_up: the digest came from the cache
    bool looked_up = false;
    std::optional<Fetched> fetched;  // URLs and repositories
  };

  Result<StepResult> attempt();

  void report_failure(const std::string& tail);

  Result<> wait_for_sources();

  Result<StepResult> make();

  Result<CachedStep> make(const std::string& slot, const std::string& digest);

  void list_files();

  // What was built of another directory's equal files has not been run here; what changes here later is told anyway.
  Result<> know_parts(const std::string& slot);

  Result<std::optional<CacheImports::Hit>> find_imported(const std::string& digest);

  Result<> keep(const std::string& digest, const std::string& slot, const CachedStep& made);

  Result<LockFile> wait_for_turn(const std::string& digest);

  // Only a change is worth telling: that a result is no longer there says nothing about the sources.
  Result<CachedStep> missed();

  void note_explanation(std::string reason);

  StepResult after(const std::string& digest, const CachedStep& step);

  Result<> make_key();

  // What a program finds around it that the request and not the Dockerfile says.
  void add_surroundings();

  Result<> add_mount_key(const PlannedMount& planned);

  Result<> prepare(const CopyOperation& copy, const CopySource& source);

  Result<> prepare_remote_source(const CopyOperation& copy, const CopySource& source, Prepared& prepared);

  std::string fetch_folder() { return folder_ + "/fetch-" + std::to_string(prepared_.size()); }

  // The same for "a", "./a" and "/a". What stands before "/./" says more.
  static std::string files_of(const CopySource& source);

  Result<> prepare_path_source(const CopyOperation& copy, const CopySource& source, Prepared& prepared);

  Result<> look_up(const CopyOperation& copy, const CopySource& source, Prepared& prepared);

  std::string hint_for_missing(const std::string& source, const CopyOperation& copy) const;

  Result<CachedStep> execute(const std::string& digest);

  Result<std::optional<OwnerIds>> owner_of(const CopyOperation& copy, int root) const;

  // Names that nobody knows are 0, as in BuildKit, which does not say so.
  Result<OwnerIds> ids_of(int root, const std::string& owner, const std::string& where) const;

  Result<> execute(const CopyOperation& copy, const image::LayerDraft& draft);

  Result<> copy_path(const CopyOperation& copy, Prepared& prepared, int root, const CopySettings& settings);

  Result<> unpack(int file, const CopyOperation& copy, int root, const CopySettings& settings);

  Result<> copy_fetched(const CopyOperation& copy, const Fetched& fetched, int root, const CopySettings& settings);

  Result<> execute(const MakeDirectoryOperation& make, const image::LayerDraft& draft);

  Result<> check_entitlements(const RunOperation& run) const;

  const image::Platform& platform() const { return node_.platform ? *node_.platform : shared_.graph.platform; }

  // Programs of another machine need an interpreter that the kernel knows.
  static Result<> check_runs_here(const image::Platform& platform);

  Result<> execute(const RunOperation& run, const image::LayerDraft& draft);

  Shared& shared_;
  StageRuns& runs_;
  const Node& node_;
  const Operation& operation_;
  const FilesState& before_;
  std::string folder_;
  ProgressLog::Step* progress_;
  StepKey key_;
  std::vector<KeyPart> earlier_;  // look_only: what the key was made of last time
  std::vector<Prepared> prepared_;
  bool from_cache_ = false;
  int exit_code_ = 0;
};

}  // namespace consort::build

// Executes one operation of a stage: computes its key, then takes the result from the cache or does the work.
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
        directory_(shared.scratch + "/step-" + std::to_string(node) + "-" + std::to_string(operation.history)),
        progress_(nullptr) {}

  Result<StepResult> run();

 private:
  // A source of a COPY with what was determined while its key was computed.
  struct Prepared {
    CopySource source;
    SourceTree* tree = nullptr;       // paths
    std::vector<Selected> selection;  // for paths; empty and not looked_up: the digest came from the cache
    bool looked_up = false;
    std::optional<Fetched> fetched;  // for URLs and repositories
  };

  Result<StepResult> attempt();

  void report_failure(const std::string& tail);

  Result<> wait_for_sources();

  Result<StepResult> make();

  Result<CachedStep> make(const std::string& slot, const std::string& digest);

  void list_files();

  // If identical files in another directory were built, nothing was run here; record the parts anyway, so that later
  // changes can be explained.
  Result<> know_parts(const std::string& slot);

  Result<std::optional<CacheImports::Hit>> find_imported(const std::string& digest);

  Result<> keep(const std::string& digest, const std::string& slot, const CachedStep& made);

  Result<LockFile> wait_for_turn(const std::string& digest);

  // Reports only changes: a result that is missing from the cache says nothing about the sources.
  Result<CachedStep> missed();

  void note_explanation(std::string reason);

  StepResult after(const std::string& digest, const CachedStep& step);

  Result<> make_key();

  // Adds what a program finds in its environment because of the request rather than the Dockerfile.
  void add_surroundings();

  Result<> add_mount_key(const PlannedMount& planned);

  Result<> prepare(const CopyOperation& copy, const CopySource& source);

  Result<> prepare_remote_source(const CopyOperation& copy, const CopySource& source, Prepared& prepared);

  std::string fetch_directory() { return directory_ + "/fetch-" + std::to_string(prepared_.size()); }

  // The same for "a", "./a" and "/a". Paths with "/./" are kept as they are: it marks where the copied path begins.
  static std::string files_of(const CopySource& source);

  Result<> prepare_path_source(const CopyOperation& copy, const CopySource& source, Prepared& prepared);

  Result<> look_up(const CopyOperation& copy, const CopySource& source, Prepared& prepared);

  std::string hint_for_missing(const std::string& source, const CopyOperation& copy) const;

  Result<CachedStep> execute(const std::string& digest);

  Result<std::optional<OwnerIds>> owner_of(const CopyOperation& copy, int root) const;

  // Unknown names become 0, as in BuildKit, which does not document this.
  Result<OwnerIds> ids_of(int root, const std::string& owner, const std::string& where) const;

  Result<> execute(const CopyOperation& copy, const image::LayerDraft& draft);

  Result<> copy_path(const CopyOperation& copy, Prepared& prepared, int root, const CopySettings& settings);

  Result<> unpack(int file, const CopyOperation& copy, int root, const CopySettings& settings);

  Result<> copy_fetched(const CopyOperation& copy, const Fetched& fetched, int root, const CopySettings& settings);

  Result<> execute(const MakeDirectoryOperation& make, const image::LayerDraft& draft);

  Result<> check_entitlements(const RunOperation& run) const;

  const image::Platform& platform() const { return node_.platform ? *node_.platform : shared_.graph.platform; }

  // Programs for another architecture need an interpreter registered with the kernel (binfmt_misc).
  static Result<> check_runs_here(const image::Platform& platform);

  Result<> execute(const RunOperation& run, const image::LayerDraft& draft);

  Shared& shared_;
  StageRuns& runs_;
  const Node& node_;
  const Operation& operation_;
  const FilesState& before_;
  std::string directory_;
  ProgressLog::Step* progress_;
  StepKey key_;
  std::vector<KeyPart> earlier_;  // look_only: the parts of the key last time
  std::vector<Prepared> prepared_;
  bool from_cache_ = false;
  int exit_code_ = 0;
};

}  // namespace consort::build

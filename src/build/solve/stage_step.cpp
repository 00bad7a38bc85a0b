// A step from its turn to its result: from the cache, from an imported cache, or by executing it.
#include <algorithm>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/files/lock_holder.hpp"
#include "base/sha256.hpp"
#include "build/plan/text.hpp"
#include "build/solve/step_run.hpp"

namespace consort::build {

Result<StepResult> StepRun::run() {
  auto result = attempt();
  (void)remove_tree(directory_);
  return result;
}

Result<StepResult> StepRun::attempt() {
  // Nothing is reported before the sources are available: a waiting step has not begun.
  TRY(wait_for_sources());
  ProgressEvent event;
  event.text = operation_.title;
  event.stage = node_.title;
  event.number = operation_.number;
  event.total = operation_.total;
  auto progress =
      shared_.log.start(std::move(event), shared_.together ? ProgressLog::Announce::later : ProgressLog::Announce::now);
  progress_ = &progress;
  auto made = make();
  if (!made) {
    const bool interrupted = made.error().code() == Code::interrupted;
    progress.end(interrupted ? StepState::canceled : StepState::error, made.error().message());
    if (interrupted) return std::unexpected(std::move(made).error());
    report_failure(progress.tail());
    Error error = std::move(made).error();
    if (!error.mark()) error = std::move(error).at(mark_of(shared_.graph.file, operation_.range));
    return fail(std::move(error));
  }
  progress.end(from_cache_ ? StepState::cached : StepState::done);
  return made;
}

void StepRun::report_failure(const std::string& tail) {
  StepFailure failure;
  failure.title = operation_.title;
  failure.output = tail;
  failure.file = shared_.graph.file;
  failure.text = shared_.dockerfile.text;
  failure.line = operation_.range.line;
  failure.end_line = operation_.range.end_line;
  failure.exit_code = exit_code_;
  const std::scoped_lock lock(shared_.provider_mutex);
  if (shared_.environment.failed) shared_.environment.failed(failure);
}

Result<> StepRun::wait_for_sources() {
  if (const auto* copy = std::get_if<CopyOperation>(&operation_.action)) {
    if (copy->from) (void)TRY(runs_.wait_for(*copy->from));
  } else if (const auto* run = std::get_if<RunOperation>(&operation_.action)) {
    for (const auto& mount : run->mounts) {
      if (mount.from) (void)TRY(runs_.wait_for(*mount.from));
    }
  }
  return {};
}

Result<StepResult> StepRun::make() {
  const std::string slot = sha256_hex(shared_.graph.file + '\0' + shared_.request.context + '\0' + node_.title + '\0' +
                                      std::to_string(operation_.number) + '\0' + shared_.graph.platform.text());
  if (shared_.mode == Shared::Mode::look_only) earlier_ = TRY(shared_.cache.parts_of(slot));
  TRY(make_key());
  const std::string digest = key_.digest();
  if (!shared_.together) return after(digest, TRY(make(slot, digest)));
  return after(digest, TRY(shared_.together->once(digest, [&] {
                 progress_->announce();
                 return make(slot, digest);
               })));
}

Result<CachedStep> StepRun::make(const std::string& slot, const std::string& digest) {
  const bool ignore =
      shared_.request.cache == CacheUse::ignore ||
      std::ranges::find(shared_.request.no_cache_filter, node_.name) != shared_.request.no_cache_filter.end();
  if (!ignore) {
    if (auto cached = TRY(shared_.cache.find(digest))) {
      from_cache_ = true;
      note_explanation("nothing it depends on has changed");
      TRY(know_parts(slot));
      return std::move(*cached);
    }
  }
  list_files();
  if (shared_.mode == Shared::Mode::look_only) return missed();
  // If the same step is already being executed, by this program or another, wait for its result.
  const LockFile turn = TRY(wait_for_turn(digest));
  if (!ignore) {
    if (auto cached = TRY(shared_.cache.find(digest))) {
      from_cache_ = true;
      note_explanation("it was built at the same time");
      TRY(know_parts(slot));
      return std::move(*cached);
    }
    if (const auto hit = TRY(find_imported(digest))) {
      from_cache_ = true;
      note_explanation("it was imported from " + hit->from);
      TRY(keep(digest, slot, hit->step));
      return hit->step;
    }
  }
  const auto before = TRY(shared_.cache.parts_of(slot));
  note_explanation(ignore ? "the cache is disabled" : explain(before, key_.parts()));
  CachedStep made = TRY(execute(digest));
  TRY(keep(digest, slot, made));
  return made;
}

void StepRun::list_files() {
  for (const auto& prepared : prepared_) {
    if (prepared.tree && prepared.tree == shared_.context)
      key_.set_list(files_of(prepared.source), list_of(prepared.selection));
  }
}

Result<> StepRun::know_parts(const std::string& slot) {
  if (shared_.mode == Shared::Mode::look_only || shared_.environment.remote.context) return {};
  if (!TRY(shared_.cache.parts_of(slot)).empty()) return {};
  list_files();
  return shared_.cache.remember_parts(slot, key_);
}

Result<std::optional<CacheImports::Hit>> StepRun::find_imported(const std::string& digest) {
  if (!shared_.imports) return std::nullopt;
  return shared_.imports->find(digest, *progress_);
}

Result<> StepRun::keep(const std::string& digest, const std::string& slot, const CachedStep& made) {
  TRY(shared_.cache.remember(digest, operation_.title, made, before_.chain));
  if (shared_.environment.remote.context) return {};  // the next build uses another directory
  return shared_.cache.remember_parts(slot, key_);
}

Result<LockFile> StepRun::wait_for_turn(const std::string& digest) {
  HolderWatch holder(turn_path(shared_.environment.roots.run, digest));
  while (true) {
    auto turn = TRY_WRAP(try_take_turn(shared_.environment.roots.run, digest), "lock build step");
    if (turn) return *std::move(turn);
    if (runs_.stopping()) return fail(Code::interrupted, "wait for build step");
    TRY_WRAP(holder.look(), "wait for build step");
    std::this_thread::sleep_for(std::chrono::milliseconds(5));  // flock has no event to wait for
  }
}

Result<CachedStep> StepRun::missed() {
  const std::scoped_lock lock(shared_.explain_mutex);
  const auto changes = changes_between(earlier_, key_.parts());
  if (!earlier_.empty() && !changes.empty() && !shared_.miss) shared_.miss = operation_.title + ": " + changes;
  return fail(Code::not_found, "find in build cache", operation_.title);
}

void StepRun::note_explanation(std::string reason) {
  const std::scoped_lock lock(shared_.explain_mutex);
  shared_.result.explanations.push_back({operation_.title, from_cache_, std::move(reason)});
  ++shared_.result.steps_total;
  shared_.result.steps_cached += from_cache_;
}

StepResult StepRun::after(const std::string& digest, const CachedStep& step) {
  {
    const std::scoped_lock lock(shared_.explain_mutex);
    shared_.made.push_back(
        {static_cast<std::size_t>(&node_ - shared_.graph.nodes.data()), operation_.number, digest, step});
  }
  StepResult result{before_, step.created};
  result.files.layers.ids.push_back(step.layer);
  result.files.layers.directories.push_back(step.directory);
  result.files.chain = chain_after(before_.chain, step.output);
  return result;
}

Result<StepResult> do_step(Shared& shared, StageRuns& runs, std::size_t node, const Operation& operation,
                           const FilesState& before) {
  return StepRun(shared, runs, node, operation, before).run();
}

}  // namespace consort::build

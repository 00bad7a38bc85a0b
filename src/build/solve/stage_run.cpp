#include "build/solve/stage_run.hpp"

#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mount.h>
#include <unistd.h>

#include <algorithm>
#include <thread>

#include "base/os/files/file.hpp"
#include "base/os/propagation.hpp"

namespace consort::build {
namespace {

// Temporary mounts of a step are visible only to this thread, and disappear with it.
Result<> own_mounts() {
  if (::unshare(CLONE_FS | CLONE_NEWNS) != 0) return fail_errno("make a mount namespace");
  if (set_propagation(MS_PRIVATE) != 0) return fail_errno("make mounts private");
  return {};
}

unsigned parallel_steps() {
  return std::clamp(2 * std::thread::hardware_concurrency(), 2U, 64U);
}

}  // namespace

StageRuns::StageRuns(Shared& shared)
    : shared_(shared), runs_(shared.graph.nodes.size()), slots_(static_cast<std::ptrdiff_t>(parallel_steps())) {}
StageRuns::~StageRuns() = default;

void StageRuns::set_base(std::size_t node, FilesState files) {
  runs_[node].base = std::move(files);
}

Result<> StageRuns::run() {
  {
    std::vector<std::jthread> threads;
    for (std::size_t i = 0; i < runs_.size(); ++i) {
      if (!shared_.graph.nodes[i].reachable) continue;
      // The target itself runs in this thread; stages without operations need no thread.
      if (shared_.plans[i].plan.operations.empty() && shared_.graph.nodes[i].base != Node::Base::stage) {
        run_node(i);
      } else {
        threads.emplace_back([this, i] {
          if (auto own = own_mounts(); !own) return fail_all(std::move(own).error());
          run_node(i);
        });
      }
    }
  }
  if (error_) return std::unexpected(std::move(*error_));
  return {};
}

void StageRuns::run_node(std::size_t node) {
  auto made = make(node);
  if (!made) return fail_all(std::move(made).error());
  const std::scoped_lock lock(mutex_);
  runs_[node].stage = std::move(*made);
  runs_[node].finished = true;
  changed_.notify_all();
}

void StageRuns::fail_all(Error error) {
  const std::scoped_lock lock(mutex_);
  const bool follows = error_ && error.code() == Code::interrupted;
  if (!follows && (!error_ || error_->code() == Code::interrupted)) error_.emplace(std::move(error));
  stopping_ = true;
  shared_.transfers.request_stop();
  changed_.notify_all();
  if (shared_.cancel_fd >= 0) {
    const std::uint64_t one = 1;
    [[maybe_unused]] const ssize_t written = ::write(shared_.cancel_fd, &one, sizeof one);
  }
}

void StageRuns::cancel() {
  fail_all(Error(Code::interrupted, "build"));
}

Result<FinishedStage> StageRuns::make(std::size_t node) {
  const Node& description = shared_.graph.nodes[node];
  FinishedStage stage;
  if (description.base == Node::Base::stage) {
    stage.files = TRY(wait_for(description.parent))->files;
  } else if (const std::optional<FilesState>& base = runs_[node].base) {
    stage.files = *base;
  } else {
    stage.files.chain = "scratch";
  }
  for (const auto& operation : shared_.plans[node].plan.operations) {
    if (stopping_) return fail(Code::interrupted, "build");
    auto step = TRY(do_step(shared_, *this, node, operation, stage.files));
    stage.files = std::move(step.files);
    stage.made.push_back(step.made);
  }
  return stage;
}

Result<const FinishedStage*> StageRuns::wait_for(std::size_t node) {
  std::unique_lock lock(mutex_);
  changed_.wait(lock, [&] { return runs_[node].finished || stopping_; });
  if (!runs_[node].finished) return fail(Code::interrupted, "build");
  return &runs_[node].stage;
}

Result<SourceTree*> StageRuns::tree_of(std::size_t node) {
  const FinishedStage* stage = TRY(wait_for(node));
  const std::scoped_lock lock(runs_[node].tree_mutex);
  if (!runs_[node].tree) {
    std::string scratch = shared_.scratch;
    if (stage->files.layers.directories
            .empty()) {  // otherwise the scratch directory itself would be the stage's content
      scratch += "/empty";
      TRY(make_directories(scratch, 0755));
    }
    Fd root = TRY(open_merged(stage->files.layers, scratch));
    runs_[node].tree = std::make_unique<SourceTree>(SourceTree::of(std::move(root), shared_.graph.nodes[node].name));
  }
  return runs_[node].tree.get();
}

}  // namespace consort::build

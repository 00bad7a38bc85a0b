#include "network/nft/shared_runs.hpp"

#include <chrono>
#include <utility>

namespace consort {

namespace {

// The networks of a project are created within a few milliseconds of each other; a run takes hundreds.
constexpr std::chrono::milliseconds moment{30};

}  // namespace

SharedRuns::Failures SharedRuns::join(std::span<const std::string> names, const Run& run) {
  std::unique_lock lock(mutex_);
  const bool first = !next_;
  if (first) next_ = std::make_shared<Batch>();
  const std::shared_ptr<Batch> batch = next_;
  batch->names.insert(batch->names.end(), names.begin(), names.end());
  if (first) {
    changed_.wait_for(lock, moment, [] { return false; });
    changed_.wait(lock, [this] { return !running_; });
    next_.reset();
    running_ = true;
    lock.unlock();
    Failures failures = run(batch->names);
    lock.lock();
    running_ = false;
    batch->failures = std::move(failures);
    batch->done = true;
    changed_.notify_all();
  } else {
    changed_.wait(lock, [&] { return batch->done; });
  }
  Failures own;
  for (const std::string& name : names)
    if (const auto failed = batch->failures.find(name); failed != batch->failures.end()) own.insert(*failed);
  return own;
}

}  // namespace consort

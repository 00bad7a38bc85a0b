// Runs a slow program for several threads at once: those that need it at the same time share a run.
#pragma once

#include <condition_variable>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <vector>

namespace consort {

class SharedRuns {
 public:
  // The names that failed, and why.
  using Failures = std::map<std::string, std::string>;
  using Run = std::function<Failures(const std::vector<std::string>& names)>;

  // Processes the names in a run of this or another thread and returns what failed. There is one run at a time; callers
  // that arrive during a run share the next one. The thread that starts a run waits a moment for others.
  Failures join(std::span<const std::string> names, const Run& run);

 private:
  struct Batch {
    std::vector<std::string> names;
    Failures failures;
    bool done = false;
  };
  std::mutex mutex_;
  std::condition_variable changed_;
  std::shared_ptr<Batch> next_;
  bool running_ = false;
};

}  // namespace consort

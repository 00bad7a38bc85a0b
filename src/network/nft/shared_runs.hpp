// A program that takes long and can be told of many things at once: threads that want it at the same time share a run.
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
  // Names, and what went wrong with those of them with which something did.
  using Failures = std::map<std::string, std::string>;
  using Run = std::function<Failures(const std::vector<std::string>& names)>;

  // Has the names done by the run of this or of another thread: what went wrong with them. One run at a time; who comes
  // while one goes on is part of the next one. Whose run it becomes waits a moment for others.
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

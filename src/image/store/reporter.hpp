// Passes on progress events, one caller at a time, and limits the rate of byte counts.
#pragma once

#include <chrono>
#include <map>
#include <mutex>
#include <string>

#include "image/progress.hpp"

namespace consort::image {

class Reporter {
 public:
  explicit Reporter(const Progress& progress) : progress_(progress) {}

  void operator()(const std::string& id, Phase phase, std::uint64_t current = 0, std::uint64_t total = 0,
                  std::string text = {}) {
    if (!progress_) return;
    const std::scoped_lock lock(mutex_);
    progress_({id, phase, current, total, std::move(text)});
  }

  // Reports at most every 50 ms per ID, except for the last count.
  void bytes(const std::string& id, Phase phase, std::uint64_t current, std::uint64_t total) {
    if (!progress_) return;
    const auto now = std::chrono::steady_clock::now();
    const std::scoped_lock lock(mutex_);
    auto& last = last_[id];
    if (current != total && now - last < std::chrono::milliseconds(50)) return;
    last = now;
    progress_({id, phase, current, total, {}});
  }

 private:
  const Progress& progress_;
  std::mutex mutex_;
  std::map<std::string, std::chrono::steady_clock::time_point> last_;
};

}  // namespace consort::image

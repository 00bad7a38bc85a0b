// Converts the events of a command's builds to its progress: the steps of all builds, which may run concurrently, and
// at the end of each build its warnings or the last lines of the failed step. Used from any thread.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "engine/builds.hpp"
#include "project/exec/session.hpp"

namespace consort::project {

class BuildLog {
 public:
  // several: titles begin with the service's name.
  enum class Builds : std::uint8_t { one, several };
  BuildLog(Progress& progress, Detail detail, Builds builds) : progress_(progress), detail_(detail), builds_(builds) {}

  void event(const std::string& service, const build::ProgressEvent& event);
  // The last lines of the failed step; shown even if nothing else is.
  void failure(const std::string& service, const build::StepFailure& failure);
  void warnings(const std::vector<build::Warning>& warnings);
  void explanations(const std::string& service, const std::vector<build::StepExplanation>& explanations);

 private:
  using Clock = std::chrono::steady_clock;
  struct Step {
    int id = 0;
    std::string title;
    std::string partial;           // output without its newline so far
    std::deque<std::string> tail;  // the last lines, with times, for a failure
    Clock::time_point started = Clock::now();
    bool internal = false;  // not from the Dockerfile: its lines have no times
  };
  std::string title_of(const std::string& service, const std::string& title) const;
  enum class Flush : std::uint8_t { whole_lines, all };
  static std::vector<std::string> take_lines(Step& step, const std::string& output, Flush flush);

  Progress& progress_;
  const Detail detail_;
  const Builds builds_;
  std::mutex mutex_;
  std::map<std::pair<std::string, int>, Step> steps_;  // by service and the build's step ID
};

// The output of `build --check` for one service, as in Docker.
std::string check_report(const std::string& service, const std::vector<build::Warning>& warnings,
                         const std::string& dockerfile_text);

}  // namespace consort::project

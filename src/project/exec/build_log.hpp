// The progress of builds as BuildKit's plain text: "#5 [2/4] RUN make", "#5 0.412 gcc ...", "#5 DONE 1.2s". One
// BuildLog for all builds of a command, which may run at the same time: steps are numbered through, and what one says
// while another is being shown waits for it to pause. Any thread.
#pragma once

#include <chrono>
#include <deque>
#include <map>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "build/build.hpp"
#include "project/exec/session.hpp"

namespace consort::project {

class BuildLog {
 public:
  // several: titles begin with the service, as there is more than one.
  enum class Builds : std::uint8_t { one, several };
  BuildLog(Progress& progress, Detail detail, Builds builds) : progress_(progress), detail_(detail), builds_(builds) {}

  void event(const std::string& service, const build::ProgressEvent& event);
  // The last lines of the step that failed; shown even if nothing else is.
  void failure(const std::string& service, const build::StepFailure& failure);
  void warnings(const std::vector<build::Warning>& warnings);
  void explanations(const std::string& service, const std::vector<build::StepExplanation>& explanations);

 private:
  using Clock = std::chrono::steady_clock;
  struct Step {
    std::string title;
    int number = 0;                // once it is shown
    std::string partial;           // output without its newline yet
    std::string waiting;           // lines not shown yet; each begins with '#', after which its number goes
    std::deque<std::string> tail;  // the last lines, with their times, for a failure
    Clock::time_point started = Clock::now();
    bool internal = false;  // not of the Dockerfile: its lines have no times
    bool ended = false;
  };
  std::string title_of(const std::string& service, const std::string& title) const;
  enum class Flush : std::uint8_t { whole_lines, all };
  static void add_output(Step& step, const std::string& output, Flush flush);
  static void add_line(Step& step, std::string line);
  void show(Step& step);
  void show_ended();
  void show_waiting();

  Progress& progress_;
  const Detail detail_;
  const Builds builds_;
  std::mutex mutex_;
  std::map<std::pair<std::string, int>, Step> steps_;  // by service and the build's own number
  Step* current_ = nullptr;                            // whose lines were shown last
  Clock::time_point shown_;
  int numbers_ = 0;
};

// What `build --check` prints of one service, as docker does.
std::string check_report(const std::string& service, const std::vector<build::Warning>& warnings,
                         const std::string& dockerfile_text);

}  // namespace consort::project

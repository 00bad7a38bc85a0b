// The clock of a project's jobs: keeps the next times on disk, waits for the first of them, and starts `consort` for
// what is due. A clock that somebody sets, or a machine that has slept, wakes it at once.
#pragma once

#include <string>

#include "base/os/loop/event_loop.hpp"
#include "supervisor/clock/job_clock.hpp"
#include "supervisor/loop/context.hpp"

namespace consort::supervisor {

class ProjectClock {
 public:
  explicit ProjectClock(Context& context) : context_(context) {}
  ~ProjectClock();
  ProjectClock(const ProjectClock&) = delete;
  ProjectClock& operator=(const ProjectClock&) = delete;

  // Reads the jobs that there are (now other ones, perhaps), and starts what is due.
  Result<> load();
  // One run now. `reschedule`: it stands for the next one that is due.
  enum class Reschedule : std::uint8_t { no, yes };
  Result<> fire(const std::string& job, const std::string& run, Reschedule reschedule);
  // Somebody must be there when the time comes.
  bool is_armed() const { return clock_.is_armed() && !context_.shutting_down; }

 private:
  Result<> open_timer();
  void on_time();
  Result<> wait_for_next();
  Result<> start(const JobTiming& job, std::vector<std::string> arguments);

  Context& context_;
  JobClock clock_;
  Fd timer_;
  EventLoop::Token watch_ = 0;
};

}  // namespace consort::supervisor

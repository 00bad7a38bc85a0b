// The clock of a project's jobs: stores their next times on disk, waits for the earliest, and starts `consort` for jobs
// that are due. Changes of the system clock and resuming from sleep wake it at once.
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

  // Reads the jobs again and starts those that are due.
  Result<> load();
  // Starts a run now. `reschedule`: it replaces the next scheduled one.
  enum class Reschedule : std::uint8_t { no, yes };
  Result<> fire(const std::string& job, const std::string& run, Reschedule reschedule);
  // Whether the supervisor must be there when a job is due.
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

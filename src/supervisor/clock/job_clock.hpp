// Calculates when jobs are due: without timers, files or processes, so that tests can cover ten years in a second.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "base/clock/cron.hpp"
#include "supervisor/jobs.hpp"

namespace consort::supervisor {

class JobClock {
 public:
  struct Fire {
    std::string job;
    Seconds due = 0;  // identifies the run, so that it runs only once
  };

  // Sets the current jobs. `kept`: the due times when they were last saved, perhaps before a restart.
  void set(std::vector<JobTiming> jobs, const DueTimes& kept, Seconds now);
  // The jobs to run now, each once, however often it was missed.
  std::vector<Fire> take_due(Seconds now);
  // A run now replaces the next scheduled one.
  void skip_next(const std::string& job, Seconds now);

  std::optional<Seconds> next() const;  // when to call take_due() again
  DueTimes due_times() const;
  const JobTiming* find(const std::string& job) const;
  bool is_armed() const;  // a job has a next time

 private:
  struct Armed {
    JobTiming timing;
    std::optional<Cron> cron;  // none: only run manually
    TimeZone zone;
    std::optional<Seconds> due;
    Seconds armed_at = 0;  // when that was calculated
  };
  static void arm(Armed& job, Seconds after);

  std::vector<Armed> jobs_;
};

}  // namespace consort::supervisor

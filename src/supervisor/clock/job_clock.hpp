// Which jobs are due at what time: no timers, no files, no processes, so that ten years can be tried in a second.
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
    Seconds due = 0;  // names the run: nobody does it twice
  };

  // The jobs that there are from now on. `kept`: what was due when somebody looked last, before a restart perhaps.
  void set(std::vector<JobTiming> jobs, const DueTimes& kept, Seconds now);
  // What is to be run now, each once however often it was missed.
  std::vector<Fire> take_due(Seconds now);
  // A run of now counts for the next one.
  void skip_next(const std::string& job, Seconds now);

  std::optional<Seconds> next() const;  // when to ask again
  DueTimes due_times() const;
  const JobTiming* find(const std::string& job) const;
  bool is_armed() const;  // something will be due one day

 private:
  struct Armed {
    JobTiming timing;
    std::optional<Cron> cron;  // none: only by hand
    TimeZone zone;
    std::optional<Seconds> due;
    Seconds armed_at = 0;  // when that was reckoned
  };
  static void arm(Armed& job, Seconds after);

  std::vector<Armed> jobs_;
};

}  // namespace consort::supervisor

// Jobs as their project's supervisor sees them: which there are, when they are due, and where all that is kept. What a
// job does, nobody here knows: when it is due, the program `consort` is started to run it.
//
//   data/jobs/PROJECT/clock.json          written by the supervisor: when each job is due next
//   data/jobs/PROJECT/NAME.d/job.json     written by commands
//   data/jobs/PROJECT/NAME.d/lock         locked by whoever runs the job; `waiting` by whoever is to run it after that
//   data/jobs/PROJECT/NAME.d/runs/        records and outputs of its runs
#pragma once

#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock/time_zone.hpp"
#include "base/roots.hpp"

namespace consort::supervisor {

enum class MissedFires : std::uint8_t { one, skip };

struct JobTiming {
  std::string name;
  std::string cron;      // "": only by hand
  std::string timezone;  // "": UTC
  MissedFires missed = MissedFires::one;
  bool paused = false;
  std::string program;                   // consort, as the command that wrote this was started
  std::vector<std::string> environment;  // "K=V": what it is to be started with
};

// When a job is due, and by which schedule: another one starts anew.
struct DueTime {
  Seconds at = 0;
  std::string cron;
  std::string timezone;
};
using DueTimes = std::map<std::string, DueTime>;  // by job

std::string jobs_folder(const Roots& roots, const std::string& project);
std::string job_folder(const Roots& roots, const std::string& project, const std::string& job);

// Of all jobs that there are; what cannot be read is left out.
std::vector<JobTiming> read_timings(const Roots& roots, const std::string& project);
// Whether one of them has a schedule, so that somebody must be there when its time comes.
bool has_clock(const Roots& roots, const std::string& project);
Result<JobTiming> timing_from_json(std::string_view text);

DueTimes read_due_times(const Roots& roots, const std::string& project);
Result<> write_due_times(const Roots& roots, const std::string& project, const DueTimes& times);

}  // namespace consort::supervisor

// Jobs from the supervisor's point of view: which exist, when they are due, and where that is stored. The supervisor
// does not know what a job does: when it is due, it starts the program `consort` to run it.
//
//   data/jobs/PROJECT/clock.json          written by the supervisor: when each job is due next
//   data/jobs/PROJECT/NAME.d/job.json     written by commands
//   data/jobs/PROJECT/NAME.d/lock         held by the process that runs the job; `waiting` by the one that runs it next
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
  std::string cron;      // "": only run manually
  std::string timezone;  // "": UTC
  MissedFires missed = MissedFires::one;
  bool paused = false;
  std::string program;                   // consort, as started by the command that wrote this
  std::vector<std::string> environment;  // "K=V", for starting it
};

// When a job is due, and its schedule: a changed schedule starts anew.
struct DueTime {
  Seconds at = 0;
  std::string cron;
  std::string timezone;
};
using DueTimes = std::map<std::string, DueTime>;  // by job

std::string jobs_directory(const Roots& roots, const std::string& project);
std::string job_directory(const Roots& roots, const std::string& project, const std::string& job);

// The timings of all jobs; unreadable ones are left out.
std::vector<JobTiming> read_timings(const Roots& roots, const std::string& project);
// Whether a job has a schedule, so that a supervisor must be there when it is due.
bool has_clock(const Roots& roots, const std::string& project);
Result<JobTiming> timing_from_json(std::string_view text);

DueTimes read_due_times(const Roots& roots, const std::string& project);
Result<> write_due_times(const Roots& roots, const std::string& project, const DueTimes& times);

}  // namespace consort::supervisor

// Jobs of this machine, which run on a schedule or by hand, and their results. The engine stores them, their runs and
// the output, and passes the schedules to the project's supervisor; the job itself is an opaque text that only its
// runner interprets. Named PROJECT.JOB, as in `docker job`.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/clock/time_zone.hpp"
#include "base/time.hpp"
#include "engine/engine.hpp"

namespace consort::engine {

struct JobSpec {
  std::string project;
  std::string name;  // within the project: [a-zA-Z0-9._-]+
  std::string hash;  // of the job's definition: specs with the same hash are equal
  std::string cron;  // "": runs only by hand
  std::string timezone;
  bool queue = false;  // a run that is due while another is running waits for it instead of being dropped
  bool skip_missed = false;
  std::string model;    // for the runner; may contain secrets
  std::string program;  // consort, and its environment ("K=V")
  Strings program_environment;
};

struct Job {
  JobSpec spec;
  std::string id;
  SystemTime created{};
  bool paused = false;
  std::optional<Seconds> next_fire;
  std::string full_name() const { return spec.project + "." + spec.name; }
};

enum class RunState : std::uint8_t { pending, running, succeeded, failed, timed_out, cancelled };
std::string_view to_string(RunState state);
bool is_final(RunState state);

struct JobRun {
  std::string id;
  std::uint64_t iteration = 0;
  RunState state = RunState::pending;
  std::optional<Seconds> due;  // scheduled time; nullopt: started by hand
  std::optional<int> exit_code;
  std::string error;      // why there is no container, or no result
  std::string container;  // ID; "": none was created
  SystemTime created{};
  std::optional<SystemTime> started, finished;
  int pid = 0;  // the process that executes the run
  std::uint64_t pid_started = 0;
};

// The exclusive right to run a job. If its owner dies during a run, the next reader corrects the record. Not
// thread-safe.
class JobTurn {
 public:
  JobTurn(Fd lock, std::string directory, JobRun run)
      : lock_(std::move(lock)), directory_(std::move(directory)), run_(std::move(run)) {}
  JobTurn(JobTurn&&) noexcept = default;
  const JobRun& run() const { return run_; }
  // Changes the record and saves it.
  Result<> update(const std::function<void(JobRun&)>& change);
  // Cancellation was requested: the run counts as cancelled, whatever its container's exit code.
  bool was_cancelled() const;
  // Path of the file that keeps the output of this run after its container is removed.
  std::string output_path() const;

 private:
  Fd lock_;
  std::string directory_;
  JobRun run_;
};

struct TurnOptions {
  std::string id;              // of the run; "": a new one
  std::optional<Seconds> due;  // scheduled time: dropped if already run, or if the job is busy and not queued
  int cancel_fd = -1;          // borrowed; readable to stop waiting for a running job
};

enum class KeepRuns : std::uint8_t { keep, remove, remove_finished };

// A handle without state of its own; the engine must outlive it. Any thread.
class Jobs {
 public:
  explicit Jobs(Engine& engine) : engine_(&engine) {}

  enum class Put : std::uint8_t { unchanged, made, replaced };
  // Creates a job, or replaces its definition; it keeps its ID and whether it is paused.
  Result<Put> put(const JobSpec& spec);
  Result<std::vector<Job>> list(const std::string& project = {}) const;  // by name
  // text: "PROJECT.JOB", an ID or a unique prefix of one. Code::not_found if there is none.
  Result<Job> find(const std::string& text) const;
  Result<std::optional<Job>> look_up(const std::string& project, const std::string& name) const;
  Result<> set_paused(const Job& job, bool paused);
  Result<> remove(const Job& job, KeepRuns runs);

  // nullopt: the scheduled run was dropped. Code::busy: the job is already running.
  Result<std::optional<JobTurn>> begin(const Job& job, const TurnOptions& options);
  // Starts a run in the background; returns its ID. reschedule: it replaces the next scheduled run.
  Result<std::string> fire(const Job& job, bool reschedule);
  Result<std::vector<JobRun>> runs(const Job& job) const;  // newest first
  // Cancels the current run, if any, and returns when it has ended.
  Result<> cancel(const Job& job);
  // Waits until the job is not running; if it has never run, until its first run has ended.
  Result<> wait(const Job& job) const;
  std::string output_path(const Job& job, const JobRun& run) const;

 private:
  Result<JobRun> settle(const Job& job, JobRun run) const;
  Result<JobRun> settle_dead(const Job& job, JobRun run) const;
  std::string directory(const Job& job) const;
  Engine* engine_;
};

}  // namespace consort::engine

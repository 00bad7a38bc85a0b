#include "engine/jobs/records.hpp"

#include <array>

#include "base/json.hpp"
#include "base/narrow.hpp"

namespace consort::engine {

namespace {

constexpr std::array<std::string_view, 6> state_names{"pending", "running",   "succeeded",
                                                      "failed",  "timed_out", "cancelled"};

std::int64_t nanoseconds(SystemTime time) {
  return time.time_since_epoch().count();
}
SystemTime time_of(std::int64_t count) {
  return SystemTime(Nanoseconds(count));
}

}  // namespace

std::string_view to_string(RunState state) {
  return state_names[static_cast<std::size_t>(state)];
}

bool is_final(RunState state) {
  return state != RunState::pending && state != RunState::running;
}

// The supervisor reads cron, timezone, missed_fires, paused and the runs it starts: supervisor/jobs.hpp.
std::string job_to_json(const Job& job) {
  const JobSpec& spec = job.spec;
  return dump_json(Json{{"schema", 1},
                        {"id", job.id},
                        {"project", spec.project},
                        {"name", spec.name},
                        {"hash", spec.hash},
                        {"cron", spec.cron},
                        {"timezone", spec.timezone},
                        {"concurrency", spec.queue ? "queue" : "forbid"},
                        {"missed_fires", spec.skip_missed ? "skip" : "one"},
                        {"paused", job.paused},
                        {"created", nanoseconds(job.created)},
                        {"program", spec.program},
                        {"program_environment", spec.program_environment},
                        {"model", spec.model}});
}

Result<Job> job_from_json(std::string_view text) {
  const Json json = TRY(parse_json(text, "job"));
  Job job;
  job.id = get_string(json, "id");
  job.spec.project = get_string(json, "project");
  job.spec.name = get_string(json, "name");
  if (job.id.empty() || job.spec.project.empty() || job.spec.name.empty())
    return fail(Error(Code::invalid, "read job").why("it has no name"));
  job.spec.hash = get_string(json, "hash");
  job.spec.cron = get_string(json, "cron");
  job.spec.timezone = get_string(json, "timezone");
  job.spec.queue = get_string(json, "concurrency") == "queue";
  job.spec.skip_missed = get_string(json, "missed_fires") == "skip";
  job.spec.model = get_string(json, "model");
  job.spec.program = get_string(json, "program");
  job.spec.program_environment = get_strings(json, "program_environment");
  job.paused = get_bool(json, "paused");
  job.created = time_of(get_int(json, "created"));
  return job;
}

std::string run_to_json(const JobRun& run) {
  Json json{{"schema", 1},
            {"id", run.id},
            {"iteration", run.iteration},
            {"state", to_string(run.state)},
            {"created", nanoseconds(run.created)},
            {"container", run.container},
            {"pid", run.pid},
            {"pid_started", run.pid_started}};
  if (run.due) json["due"] = *run.due;
  if (run.exit_code) json["exit_code"] = *run.exit_code;
  if (!run.error.empty()) json["error"] = run.error;
  if (run.started) json["started"] = nanoseconds(*run.started);
  if (run.finished) json["finished"] = nanoseconds(*run.finished);
  return dump_json(json);
}

Result<JobRun> run_from_json(std::string_view text) {
  const Json json = TRY(parse_json(text, "run of a job"));
  JobRun run;
  run.id = get_string(json, "id");
  if (run.id.empty()) return fail(Error(Code::invalid, "read run of a job").why("it has no id"));
  run.iteration = saturated<std::uint64_t>(get_int(json, "iteration"));
  const std::string state = get_string(json, "state");
  for (std::size_t i = 0; i < state_names.size(); ++i)
    if (state_names[i] == state) run.state = static_cast<RunState>(i);
  run.created = time_of(get_int(json, "created"));
  run.container = get_string(json, "container");
  run.pid = saturated<int>(get_int(json, "pid"));
  run.pid_started = saturated<std::uint64_t>(get_int(json, "pid_started"));
  if (find_key(json, "due")) run.due = get_int(json, "due");
  if (find_key(json, "exit_code")) run.exit_code = saturated<int>(get_int(json, "exit_code"));
  run.error = get_string(json, "error");
  if (find_key(json, "started")) run.started = time_of(get_int(json, "started"));
  if (find_key(json, "finished")) run.finished = time_of(get_int(json, "finished"));
  return run;
}

}  // namespace consort::engine

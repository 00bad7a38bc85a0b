// job ...: the jobs of this machine, in any project.
#include <algorithm>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/machine/filters.hpp"
#include "cli/commands/machine/json_rows.hpp"
#include "cli/commands/machine/remove_each.hpp"
#include "cli/render/confirm.hpp"
#include "cli/workspace.hpp"
#include "engine/jobs.hpp"

namespace consort::cli {

namespace {

constexpr std::size_t short_id = 12;
constexpr const char* nothing = "-";

SystemTime time_of(Seconds seconds) {
  return SystemTime(std::chrono::seconds(seconds));
}

std::string ago(SystemTime time, SystemTime now) {
  return human_duration(now - time) + " ago";
}

std::string text_of(const std::optional<int>& code) {
  return code ? std::to_string(*code) : nothing;
}

// The newest run comes first; it is in progress until its state is final.
bool is_running(const std::vector<engine::JobRun>& runs) {
  return !runs.empty() && !engine::is_final(runs[0].state);
}

std::string last_run(const std::vector<engine::JobRun>& runs, SystemTime now) {
  const auto ended = std::ranges::find_if(runs, [](const engine::JobRun& run) { return engine::is_final(run.state); });
  if (ended == runs.end()) return nothing;
  return std::string(to_string(ended->state)) + " (" + ago(ended->finished.value_or(ended->created), now) + ")";
}

std::optional<int> last_code(const std::vector<engine::JobRun>& runs) {
  for (const engine::JobRun& run : runs)
    if (engine::is_final(run.state)) return run.exit_code;
  return std::nullopt;
}

std::string next_fire(const engine::Job& job, bool running, SystemTime now) {
  if (!job.next_fire || job.paused || running) return nothing;
  const SystemTime next = time_of(*job.next_fire);
  return next <= now ? "now" : "in " + human_duration(next - now);
}

FormatRow row_of(const engine::Job& job, const std::vector<engine::JobRun>& runs, SystemTime now) {
  const bool running = is_running(runs);
  return {{"ID", "ID", job.id.substr(0, short_id), ""},
          {"Name", "NAME", job.full_name(), ""},
          {"Trigger", "TRIGGER", job.spec.cron.empty() ? "manual" : job.spec.cron, ""},
          {"State", "STATE", running ? "running" : "idle", ""},
          {"Paused", "PAUSED", job.paused ? "true" : "false", ""},
          {"LastRun", "LAST RUN", last_run(runs, now), ""},
          {"Exit", "EXIT", text_of(last_code(runs)), ""},
          {"NextFire", "NEXT FIRE", next_fire(job, running, now), ""},
          {"Project", "PROJECT", job.spec.project, ""}};
}

FormatRow row_of(const engine::JobRun& run, SystemTime now) {
  const auto when = [&](const std::optional<SystemTime>& time) {
    return time ? ago(*time, now) : std::string(nothing);
  };
  return {{"ID", "RUN ID", run.id, ""},
          {"Iteration", "ITERATION", std::to_string(run.iteration), ""},
          {"State", "STATE", std::string(to_string(run.state)), ""},
          {"Exit", "EXIT", text_of(run.exit_code), ""},
          {"Trigger", "TRIGGER", run.due ? "schedule" : "manual", ""},
          {"Started", "STARTED", when(run.started), ""},
          {"Finished", "FINISHED", when(run.finished), ""},
          {"Container", "CONTAINER", run.container.empty() ? nothing : run.container.substr(0, short_id), ""}};
}

Json describe(const engine::JobRun& run) {
  const auto when = [](const std::optional<SystemTime>& time) { return time ? Json(format_rfc3339(*time)) : Json(); };
  return Json{{"ID", run.id},
              {"Iteration", run.iteration},
              {"State", to_string(run.state)},
              {"Trigger", run.due ? "schedule" : "manual"},
              {"Due", run.due ? Json(format_rfc3339(time_of(*run.due))) : Json()},
              {"ExitCode", run.exit_code ? Json(*run.exit_code) : Json()},
              {"Error", run.error},
              {"ContainerID", run.container},
              {"CreatedAt", format_rfc3339(run.created)},
              {"StartedAt", when(run.started)},
              {"FinishedAt", when(run.finished)}};
}

std::map<std::string, std::string> labels_of(const engine::JobSpec& spec) {
  return {{"com.docker.compose.project", spec.project}, {"com.docker.compose.job", spec.name}};
}

Json describe(const engine::Job& job, const std::vector<engine::JobRun>& runs) {
  const engine::JobSpec& spec = job.spec;
  Json trigger{{"Kind", spec.cron.empty() ? "manual" : "schedule"}};
  if (!spec.cron.empty())
    trigger["Schedule"] = {{"Cron", spec.cron},
                           {"Timezone", spec.timezone.empty() ? "UTC" : spec.timezone},
                           {"Concurrency", spec.queue ? "queue" : "forbid"},
                           {"MissedFires", spec.skip_missed ? "skip" : "one"}};
  const bool running = is_running(runs);
  const bool shown = job.next_fire && !job.paused && !running;
  return Json{{"ID", job.id},
              {"Name", job.full_name()},
              {"Labels", labels_of(spec)},
              {"CreatedAt", format_rfc3339(job.created)},
              {"Trigger", std::move(trigger)},
              {"State", running ? "running" : "idle"},
              {"Paused", job.paused},
              {"NextFire", shown ? Json(format_rfc3339(time_of(*job.next_fire))) : Json()},
              {"LastRun", runs.empty() ? Json() : describe(runs[0])}};
}

struct Named {
  std::unique_ptr<Workspace> workspace;
  engine::Jobs jobs;
  engine::Job job;
};

Result<Named> open_named(const Invocation& invocation, const std::string& name) {
  auto workspace = TRY(Workspace::open(invocation, Need::engine));
  engine::Jobs jobs(workspace->engine());
  engine::Job job = TRY(jobs.find(name));
  return Named{std::move(workspace), jobs, std::move(job)};
}

Result<engine::JobRun> run_called(const std::vector<engine::JobRun>& runs, const std::string& text) {
  for (const engine::JobRun& run : runs)
    if (run.id == text || std::to_string(run.iteration) == text || (text.size() >= 4 && run.id.starts_with(text)))
      return run;
  return fail(Code::not_found, "no such run: " + text);
}

// Prints the container's log or, if the container is gone, the part of it that was kept.
Result<> print_output(const Named& named, const engine::JobRun& run) {
  auto reader = run.container.empty() ? Result<engine::LogReader>(fail(Code::not_found, "no container"))
                                      : named.workspace->engine().logs(run.container);
  if (reader) {
    const auto put = [](const engine::LogRecord& record) {
      record.stream == engine::LogStream::err ? draw_err(record.bytes) : draw_out(record.bytes);
    };
    while (TRY(reader->read_bytes(put))) {
    }
    return {};
  }
  const auto kept = read_file(named.jobs.output_path(named.job, run));
  if (kept) draw_out(*kept);
  if (kept || run.state == engine::RunState::pending) return {};
  return fail(Error(Code::not_found, "no logs available for run " + run.id.substr(0, short_id)).why(run.error));
}

}  // namespace

Result<int> run_job_list(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  engine::Jobs jobs(workspace->engine());
  const SystemTime now = system_now();
  std::vector<FormatRow> rows;
  for (const engine::Job& job : TRY(jobs.list(invocation.globals.text("project-name")))) {
    if (invocation.flags.on("quiet"))
      print_out(job.full_name() + "\n");
    else
      rows.push_back(row_of(job, TRY(jobs.runs(job)), now));
  }
  if (invocation.flags.on("quiet")) return 0;
  const std::vector<std::string> columns{"Name", "Trigger", "State", "Paused", "LastRun", "Exit", "NextFire"};
  print_out(TRY(format_rows(invocation.flags.text("format", "table"), rows, columns, row_of(engine::Job{}, {}, now))));
  return 0;
}

Result<int> run_job_runs(Invocation& invocation) {
  const Named named = TRY(open_named(invocation, invocation.arguments[0]));
  std::vector<engine::JobRun> runs = TRY(named.jobs.runs(named.job));
  if (invocation.flags.has("before")) {
    const engine::JobRun before = TRY(run_called(runs, invocation.flags.text("before")));
    std::erase_if(runs, [&](const engine::JobRun& run) { return run.iteration >= before.iteration; });
  }
  if (const auto limit = invocation.flags.integer("limit"); limit && *limit >= 0 && std::cmp_less(*limit, runs.size()))
    runs.resize(static_cast<std::size_t>(*limit));
  const SystemTime now = system_now();
  std::vector<FormatRow> rows;
  for (const engine::JobRun& run : runs) rows.push_back(row_of(run, now));
  const std::vector<std::string> columns{"Iteration", "State", "Exit", "Trigger", "Started", "Finished", "Container"};
  print_out(TRY(format_rows(invocation.flags.text("format", "table"), rows, columns, row_of(engine::JobRun{}, now))));
  return 0;
}

Result<int> run_job_inspect(Invocation& invocation) {
  const Named named = TRY(open_named(invocation, invocation.arguments[0]));
  const std::vector<engine::JobRun> runs = TRY(named.jobs.runs(named.job));
  Json array = Json::array();
  if (invocation.flags.has("run"))
    array.push_back(describe(TRY(run_called(runs, invocation.flags.text("run")))));
  else
    array.push_back(describe(named.job, runs));
  TRY(print_inspected(array, invocation.flags.text("format"), "Name"));
  return 0;
}

Result<int> run_job_run(Invocation& invocation) {
  Named named = TRY(open_named(invocation, invocation.arguments[0]));
  print_out(TRY(named.jobs.fire(named.job, invocation.flags.on("reschedule"))) + "\n");
  return 0;
}

Result<int> run_job_logs(Invocation& invocation) {
  const Named named = TRY(open_named(invocation, invocation.arguments[0]));
  std::vector<engine::JobRun> runs = TRY(named.jobs.runs(named.job));
  if (runs.empty()) return fail(Code::not_found, "no logs available: job " + named.job.full_name() + " was never run");
  engine::JobRun run = invocation.flags.has("run") ? TRY(run_called(runs, invocation.flags.text("run"))) : runs[0];
  if (invocation.flags.on("follow") && !engine::is_final(run.state)) {
    TRY(named.jobs.wait(named.job));
    run = TRY(run_called(TRY(named.jobs.runs(named.job)), run.id));
  }
  TRY(print_output(named, run));
  return 0;
}

Result<int> run_job_wait(Invocation& invocation) {
  const Named named = TRY(open_named(invocation, invocation.arguments[0]));
  TRY(named.jobs.wait(named.job));
  const auto runs = TRY(named.jobs.runs(named.job));
  if (runs.empty()) return 0;
  print_out(text_of(runs[0].exit_code) + "\n");
  if (runs[0].state == engine::RunState::cancelled) return 130;
  return runs[0].exit_code.value_or(1);
}

Result<int> run_job_cancel(Invocation& invocation) {
  Named named = TRY(open_named(invocation, invocation.arguments[0]));
  if (!is_running(TRY(named.jobs.runs(named.job))))
    return fail(Code::conflict, "job " + named.job.full_name() + " is not running");
  TRY(named.jobs.cancel(named.job));
  return 0;
}

Result<int> run_job_pause(Invocation& invocation) {
  Named named = TRY(open_named(invocation, invocation.arguments[0]));
  TRY(named.jobs.set_paused(named.job, true));
  return 0;
}

Result<int> run_job_resume(Invocation& invocation) {
  Named named = TRY(open_named(invocation, invocation.arguments[0]));
  TRY(named.jobs.set_paused(named.job, false));
  return 0;
}

Result<int> run_job_rm(Invocation& invocation) {
  engine::KeepRuns keep = engine::KeepRuns::keep;
  const std::string wish = invocation.flags.text("runs", "keep");
  if (wish == "remove") {
    keep = engine::KeepRuns::remove;
  } else if (wish == "remove-finished") {
    keep = engine::KeepRuns::remove_finished;
  } else if (wish != "keep") {
    return fail(Code::invalid, "invalid --runs option \"" + wish + "\": keep, remove or remove-finished");
  }
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  engine::Jobs jobs(workspace->engine());
  return remove_each(invocation, [&](const std::string& name) -> Result<bool> {
    TRY(jobs.remove(TRY(jobs.find(name)), keep));
    return true;
  });
}

Result<int> run_job_prune(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  engine::Jobs jobs(workspace->engine());
  const Filters labels{{"label", invocation.flags.list("label")}};
  if (!invocation.flags.on("force") &&
      !confirm(invocation.terminal, "This will remove all jobs that have no schedule and are not running. Continue?",
               Answer::no))
    return 0;
  for (const engine::Job& job : TRY(jobs.list())) {
    if (!job.spec.cron.empty() || !passes_labels(labels, labels_of(job.spec)) || is_running(TRY(jobs.runs(job))))
      continue;
    TRY(jobs.remove(job, engine::KeepRuns::keep));
    print_out(job.full_name() + "\n");
  }
  return 0;
}

}  // namespace consort::cli

#include "project/verbs/jobs.hpp"

#include <poll.h>
#include <unistd.h>

#include <array>

#include "base/os/files/file.hpp"
#include "base/sha256.hpp"
#include "compose/jobs.hpp"
#include "project/exec/listening.hpp"
#include "project/exec/loaded_project.hpp"
#include "project/exec/watching.hpp"
#include "project/plan/names.hpp"

namespace consort::project {

namespace {

constexpr std::size_t output_lines = 10'000;
constexpr std::size_t output_bytes = std::size_t{1} << 20;
constexpr int cancelled_status = 130;
constexpr std::size_t short_id = 12;

// The end of the container's output.
std::string last_output(engine::Engine& engine, const std::string& container) {
  auto reader = engine.logs(container, {.tail = output_lines, .since = {}, .until = {}});
  std::string text;
  if (!reader) return text;
  engine::LogReader::LineHandler add = [&text](const engine::LogLine& line) {
    text += std::string(line.text) + "\n";
    if (text.size() > 2 * output_bytes) text.erase(0, text.size() - output_bytes);
  };
  if (reader->read(add)) reader->flush(add);
  if (text.size() > output_bytes) text.erase(0, text.size() - output_bytes);
  return text;
}

engine::JobSpec spec_of(const Session& session, const compose::Service& job, std::string model,
                        const JobProgram& program) {
  engine::JobSpec spec;
  spec.project = session.project_name;
  spec.name = job.name;
  spec.hash = sha256_hex(compose::service_hash_json(job));
  if (const auto& schedule = job.triggers->schedule; !schedule.empty()) {
    spec.cron = schedule[0].cron;
    spec.timezone = schedule[0].timezone;
    spec.queue = schedule[0].concurrency == "queue";
    spec.skip_missed = schedule[0].missed_fires == "skip";
  }
  spec.model = std::move(model);
  spec.program = program.path;
  spec.program_environment = program.environment;
  return spec;
}

// Limits the session to the job.
class OnlyFor {
 public:
  OnlyFor(Session& session, compose::Project project) : session_(session), before_(std::move(session.project)) {
    session_.project = std::move(project);
  }
  OnlyFor(const OnlyFor&) = delete;
  OnlyFor& operator=(const OnlyFor&) = delete;
  ~OnlyFor() { session_.project = std::move(before_); }

 private:
  Session& session_;
  std::optional<compose::Project> before_;
};

Result<bool> has_ended(engine::Engine& engine, const std::string& container) {
  return !TRY(engine.inspect(container)).state.running();
}

// nullopt: it has ended; otherwise the user wants it to.
enum class Woken : std::uint8_t { ended, interrupted };
Result<Woken> await_end(Session& session, const std::string& container) {
  while (true) {
    const auto watch = TRY(session.engine.watch(session.project_name, engine::Unserved::revive));
    if (TRY(has_ended(session.engine, container))) return Woken::ended;
    if (watch->fd() < 0) return Woken::ended;
    while (true) {
      std::array<pollfd, 2> waits{pollfd{watch->fd(), POLLIN, 0}, pollfd{session.interrupt_fd, POLLIN, 0}};
      if (::poll(waits.data(), waits.size(), -1) < 0) continue;
      if (waits[1].revents != 0) return Woken::interrupted;
      const auto change = next_change(*watch);
      if (!change) break;  // another supervisor: look again
      const auto& news = *change;
      if (news && news->id == container && !news->state.running()) return Woken::ended;
    }
  }
}

}  // namespace

Result<> check_schedules(const Session& session) {
  for (const auto& [name, job] : loaded_project(session).jobs)
    TRY(compose::check_schedule(loaded_project(session), job));
  return {};
}

Result<engine::Job> register_job(Session& session, const compose::Project& project, const std::string& name,
                                 const JobProgram& program) {
  engine::Jobs jobs(session.engine);
  auto found = project.jobs.find(name);
  if (found == project.jobs.end()) found = project.disabled_jobs.find(name);
  if (found == project.disabled_jobs.end()) return fail(Code::not_found, "no such job: " + name);
  const auto put = TRY(jobs.put(spec_of(session, found->second, TRY(compose::job_model(project, name)), program)));
  if (put == engine::Jobs::Put::replaced)
    session.progress.warn("job \"" + name + "\" has changed: registering the new definition");
  auto job = TRY(jobs.look_up(session.project_name, name));
  if (!job) return fail(Code::not_found, "job \"" + name + "\" was removed in the meantime");
  return std::move(*job);
}

Result<> register_jobs(Session& session, const UpOptions& options, const JobProgram& program) {
  const compose::Project project = loaded_project(session);
  std::string manual;
  engine::Jobs jobs(session.engine);
  for (const auto& [name, job] : project.jobs) {
    if (job.triggers->schedule.empty()) {
      if (job.triggers->manual.value_or(true)) manual += (manual.empty() ? "" : ", ") + name;
      continue;
    }
    if (session.dry_run == DryRun::yes) continue;
    {
      compose::Project alone = TRY(compose::project_of_job(project, name, compose::StartedBy::clock));
      std::erase_if(alone.services, [&](const auto& each) { return !each.second.triggers; });
      const OnlyFor only(session, std::move(alone));
      TRY(ensure_images(session, options.images, options.detail));
    }
    TRY(register_job(session, project, name, program));
  }
  if (!manual.empty()) session.progress.warn("`up` does not start manual jobs; use `consort run JOB`: " + manual);
  if (session.dry_run == DryRun::yes) return {};
  // Jobs that are no longer in the file are no longer run.
  for (const engine::Job& job : TRY(jobs.list(session.project_name)))
    if (!project.jobs.contains(job.spec.name) && !project.disabled_jobs.contains(job.spec.name)) {
      TRY(jobs.remove(job, engine::KeepRuns::keep));
      session.progress.warn("job \"" + job.spec.name + "\" is no longer in the file, and will no longer run");
    }
  return {};
}

Result<> remove_jobs(Session& session) {
  if (session.dry_run == DryRun::yes) return {};
  engine::Jobs jobs(session.engine);
  const std::vector<engine::Job> all = TRY(jobs.list(session.project_name));
  if (all.empty()) return {};
  session.progress.begin("Running");
  Result<> removed;
  for (const engine::Job& job : all) {
    const std::string id = "Job " + job.full_name();
    session.progress.event({.id = id, .parent = {}, .text = {}, .status = "Removing"});
    removed = jobs.remove(job, engine::KeepRuns::keep);
    if (!removed) break;
    session.progress.event({.id = id, .parent = {}, .text = {}, .status = "Removed", .outlook = Outlook::done});
  }
  session.progress.finish();
  return removed;
}

Result<std::string> create_job_container(Session& session, const engine::Job& job, engine::JobTurn& turn,
                                         OneoffOptions options) {
  const compose::Service& service = loaded_project(session).services.at(job.spec.name);
  const engine::JobRun& run = turn.run();
  options.tty = service.tty;
  options.open_stdin = service.stdin_open;
  options.auto_remove = false;
  options.service_ports = true;
  options.use_aliases = true;
  options.name = "job-" + job.full_name() + "-" + std::to_string(run.iteration) + "-" + run.id.substr(0, short_id);
  options.labels[label::oneoff] = "False";
  options.labels[label::number] = "1";
  options.labels[label::job] = job.id;
  options.labels[label::job_run] = run.id;
  const engine::CreatedContainer created = TRY(create_oneoff(session, job.spec.name, options));
  TRY(turn.update([&](engine::JobRun& record) { record.container = created.id; }));
  return created.id;
}

Result<> fail_run(Session& session, engine::JobTurn& turn, const Error& error) {
  const std::string container = turn.run().container;
  TRY(turn.update([&](engine::JobRun& run) {
    run.state = error.code() == Code::interrupted ? engine::RunState::cancelled : engine::RunState::failed;
    run.error = error.message();
    run.finished = system_now();
  }));
  if (!container.empty())
    (void)session.engine.remove_container(container, {engine::Force::yes, engine::AnonymousVolumes::remove});
  return {};
}

Result<int> finish_run(Session& session, engine::JobTurn& turn, Ended how) {
  if (turn.was_cancelled()) how = Ended::cancelled;
  const std::string container = turn.run().container;
  const engine::ContainerState state = TRY(session.engine.inspect(container)).state;
  const int code = state.exit_code.value_or(1);
  TRY(write_file_atomic(turn.output_path(), last_output(session.engine, container), 0600));
  TRY(turn.update([&](engine::JobRun& run) {
    run.state = how == Ended::cancelled ? engine::RunState::cancelled
                : code == 0             ? engine::RunState::succeeded
                                        : engine::RunState::failed;
    run.exit_code = state.exit_code;
    if (state.started_at) run.started = state.started_at;
    run.finished = state.finished_at ? *state.finished_at : system_now();
  }));
  if (turn.run().state == engine::RunState::succeeded)
    TRY(session.engine.remove_container(container, {engine::Force::yes, engine::AnonymousVolumes::remove}));
  return how == Ended::cancelled ? cancelled_status : code;
}

Result<int> run_job(Session& session, const engine::Job& job, engine::JobTurn& turn) {
  const Listening listening;
  const auto begin = [&]() -> Result<> {
    compose::Project model = TRY(compose::load_job_model(job.spec.model));
    session.project = TRY(compose::project_of_job(model, job.spec.name, compose::StartedBy::clock));
    OneoffOptions options;
    options.recreate = Recreate::never;
    options.images.pull = "missing";
    const engine::ProjectLock lock = TRY(session.engine.lock_project(session.project_name));
    const std::string container = TRY(create_job_container(session, job, turn, std::move(options)));
    TRY(session.engine.start_container(container));
    return turn.update([](engine::JobRun& run) {
      run.state = engine::RunState::running;
      run.started = system_now();
    });
  };
  if (const auto begun = begin(); !begun) {
    TRY(fail_run(session, turn, begun.error()));
    return 1;
  }
  const Woken woken = TRY(await_end(session, turn.run().container));
  if (woken == Woken::interrupted) TRY(session.engine.stop_container(turn.run().container));
  return finish_run(session, turn, woken == Woken::interrupted ? Ended::cancelled : Ended::by_itself);
}

}  // namespace consort::project

// Runs jobs: `run JOB`, and the runs that the supervisor starts.
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/project/job_program.hpp"
#include "cli/commands/project/run_options.hpp"
#include "cli/relay/relay.hpp"
#include "cli/seal.hpp"
#include "compose/jobs.hpp"
#include "project/exec/listening.hpp"
#include "project/exec/loaded_project.hpp"

namespace consort::cli {

namespace {

// Variables that pulling an image may need; none of them is passed to the container.
constexpr std::array<const char*, 14> kept_variables{"PATH",
                                                     "HOME",
                                                     "DOCKER_CONFIG",
                                                     "CONSORT_LIBEXEC",
                                                     "CONSORT_MAX_LAYER_SIZE",
                                                     "HTTP_PROXY",
                                                     "HTTPS_PROXY",
                                                     "NO_PROXY",
                                                     "http_proxy",
                                                     "https_proxy",
                                                     "no_proxy",
                                                     "SSL_CERT_FILE",
                                                     "SSL_CERT_DIR",
                                                     "LANG"};
// Flags that make the container differ from the job's own.
constexpr std::array<const char*, 11> own_settings{"entrypoint", "env",      "env-from-file", "label",
                                                   "volume",     "user",     "workdir",       "publish",
                                                   "cap-add",    "cap-drop", "name"};

Result<> check_detached(const Invocation& invocation) {
  for (const char* flag : own_settings)
    if (invocation.flags.has(flag))
      return fail(Error(Code::invalid, "run -d of a job does not accept --" + std::string(flag))
                      .hint("in the background, a job runs as defined in the file"));
  if (invocation.arguments.size() > 1)
    return fail(Error(Code::invalid, "run -d of a job does not accept a command")
                    .hint("in the background, a job runs as defined in the file"));
  return {};
}

// Waits until the run has ended or the user detaches. In the latter case, the next command that looks at the job
// records how it ended.
Result<int> see_through(Workspace& workspace, engine::JobTurn& turn, const compose::Service& service) {
  project::Session& session = workspace.session();
  const std::string container = turn.run().container;
  const project::Listening listening;  // the container gets the signals
  AttachRelay relay{.id = container, .project = session.project_name};
  relay.tty = service.tty;
  relay.with_input = service.stdin_open;
  relay.output = TRY(session.engine.hold_output(container));
  if (Result<> started = session.engine.start_container(container); !started) {
    TRY(project::fail_run(session, turn, started.error()));
    return fail(std::move(started).error());
  }
  TRY(turn.update([](engine::JobRun& run) {
    run.state = engine::RunState::running;
    run.started = system_now();
  }));
  workspace.unlock();
  auto end = relay_container(session.engine, std::move(relay), session.interrupt_fd);
  if (end && end->how == RelayEnd::How::left) return end->exit_code;
  if (!end) (void)session.engine.stop_container(container);
  const int code = TRY(project::finish_run(session, turn, end ? project::Ended::by_itself : project::Ended::cancelled));
  if (!end && end.error().code() != Code::interrupted) return fail(std::move(end.error()));
  return code;
}

}  // namespace

project::JobProgram job_program() {
  project::JobProgram program;
  std::array<char, 4096> self{};
  const ssize_t length = ::readlink("/proc/self/exe", self.data(), self.size());
  program.path.assign(self.data(), length > 0 ? static_cast<std::size_t>(length) : 0);
  // A program that runs from a sealed descriptor has no path; the supervisor needs that of the installed program.
  if (::access(program.path.c_str(), X_OK) != 0) program.path = "/usr/bin/consort";
  for (const char* name : kept_variables)
    if (const char* value = std::getenv(name)) program.environment.push_back(std::string(name) + "=" + value);
  return program;
}

bool names_job(const Workspace& workspace, const std::string& name) {
  const compose::Project& project = *workspace.project();
  return project.jobs.contains(name) || project.disabled_jobs.contains(name);
}

Result<int> run_job_by_hand(const Invocation& invocation, Workspace& workspace) {
  project::Session& session = workspace.session();
  const std::string name = invocation.arguments[0];
  const compose::Project project = project::loaded_project(session);
  session.project = TRY(compose::project_of_job(project, name, compose::StartedBy::hand));
  const compose::Service service = project::loaded_project(session).services.at(name);
  TRY(compose::check_schedule(project, service));
  if (invocation.flags.on("detach")) TRY(check_detached(invocation));
  project::OneoffOptions options = TRY(oneoff_options(invocation, workspace));
  if (invocation.dry_run) {
    TRY(project::create_oneoff(session, name, options));
    return 0;
  }
  // A command that builds restarts itself from a sealed copy, so this must happen before anything is recorded.
  if (std::ranges::any_of(project::loaded_project(session).services,
                          [](const auto& each) { return each.second.build.has_value(); }))
    seal_program(invocation);
  TRY(workspace.lock());
  const engine::Job job = TRY(project::register_job(session, project, name, job_program()));
  engine::Jobs jobs(session.engine);
  if (invocation.flags.on("detach")) {
    print_out(TRY(jobs.fire(job, false)) + "\n");
    return 0;
  }
  auto turn = TRY(jobs.begin(job, {}));
  if (!turn) return 0;  // only a scheduled run is skipped
  const auto created = project::create_job_container(session, job, *turn, std::move(options));
  if (!created) {
    TRY(project::fail_run(session, *turn, created.error()));
    return fail(created.error());
  }
  return see_through(workspace, *turn, service);
}

// internal run-job PROJECT JOB [--id RUN] [--due SECONDS]
Result<int> run_internal_run_job(Invocation& invocation) {
  invocation.progress = ProgressMode::quiet;
  const auto workspace = TRY(Workspace::open(invocation, Need::engine));
  project::Session& session = workspace->session();
  session.project_name = invocation.arguments[0];
  engine::Jobs jobs(session.engine);
  const auto job = TRY(jobs.look_up(session.project_name, invocation.arguments[1]));
  if (!job) return 0;                                                // removed in the meantime
  if (job->spec.model.contains("build:")) seal_program(invocation);  // see above
  const project::Listening listening;
  engine::TurnOptions options{.id = invocation.flags.text("id"), .due = {}, .cancel_fd = session.interrupt_fd};
  if (invocation.flags.has("due")) options.due = invocation.flags.integer("due");
  auto turn = TRY(jobs.begin(*job, options));
  if (!turn) return 0;
  return project::run_job(session, *job, *turn);
}

}  // namespace consort::cli

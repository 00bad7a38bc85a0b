#include "cli/workspace.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <cstdlib>

#include "base/go_bool.hpp"
#include "base/os/files/file.hpp"
#include "base/os/files/reserve.hpp"
#include "base/strings.hpp"
#include "cli/project_files.hpp"
#include "cli/remote_consent.hpp"
#include "cli/render/confirm.hpp"
#include "cli/render/diagnostic.hpp"
#include "cli/same_place.hpp"
#include "cli/seal.hpp"
#include "cli/signals.hpp"
#include "compose/parsed_files.hpp"
#include "compose/settings.hpp"
#include "project/exec/loaded_project.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

std::map<std::string, std::string> process_environment() {
  std::map<std::string, std::string> result;
  for (char** entry = environ; entry && *entry; ++entry) {
    const std::string_view text(*entry);
    const std::size_t equals = text.find('=');
    if (equals != std::string_view::npos)
      result.emplace(std::string(text.substr(0, equals)), std::string(text.substr(equals + 1)));
  }
  return result;
}

bool environment_says(const char* variable) {
  const char* value = std::getenv(variable);
  return value && parse_go_bool(value).value_or(false);
}

void adopt_local_settings(const Invocation& invocation) {
  auto options = load_options(invocation, {});
  if (!options) return;
  // `--env-file <(decrypt secrets.env)` can be read only once, and the project's load must do that.
  options->access.is_file = [](const std::string& path) {
    struct stat info {};
    return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
  };
  for (const auto& [name, value] : compose::local_settings(*options)) ::setenv(name.c_str(), value.c_str(), 0);
}

std::optional<std::string> Workspace::variable(const std::string& name) const {
  if (const compose::Project* const loaded = project()) {
    const auto found = loaded->environment.find(name);
    if (found != loaded->environment.end()) return found->second;
  }
  const char* ours = std::getenv(name.c_str());
  return ours ? std::optional<std::string>(ours) : std::nullopt;
}

Result<compose::LoadOptions> load_options(const Invocation& invocation, const std::vector<std::string>& services) {
  compose::LoadOptions options;
  const ParsedFlags& globals = invocation.globals;
  options.files = globals.list("file");
  options.project_directory = globals.text("project-directory", globals.text("workdir"));
  options.project_name = globals.text("project-name");
  options.env_files = globals.list("env-file");
  options.profiles = globals.list("profile");
  options.environment = process_environment();
  options.working_directory = TRY(started_in());
  options.services = services;
  options.access = invocation.files->access;
  if (globals.on("all-resources")) options.all_resources = compose::Switch::on;
  return options;
}

namespace {

std::vector<compose::Diagnostic> errors_of(const std::vector<compose::Diagnostic>& all) {
  std::vector<compose::Diagnostic> errors;
  for (const compose::Diagnostic& diagnostic : all)
    if (diagnostic.severity == compose::Severity::error) errors.push_back(diagnostic);
  return errors;
}

void print_warnings(const Invocation& invocation, const std::vector<compose::Diagnostic>& all) {
  if (invocation.has_warned) return;
  for (const compose::Diagnostic& diagnostic : all)
    if (diagnostic.severity == compose::Severity::warning) print_warning(invocation.terminal, diagnostic.message);
}

std::string_view separator_of(const Invocation& invocation) {
  const bool old_style = invocation.globals.on("compatibility") || environment_says("COMPOSE_COMPATIBILITY");
  return old_style ? "_" : project::name_separator;
}

Result<unsigned> parallel_of(const Invocation& invocation) {
  std::int64_t wanted = invocation.globals.integer("parallel").value_or(-1);
  if (const char* text = std::getenv("COMPOSE_PARALLEL_LIMIT"); text && !invocation.globals.has("parallel")) {
    const auto number = parse_signed(text);
    if (!number)
      return fail(Code::invalid, "COMPOSE_PARALLEL_LIMIT must be an integer (found: \"" + std::string(text) + "\")");
    wanted = *number;
  }
  constexpr unsigned unlimited = 16;  // more at once is not faster on any machine
  return wanted <= 0 ? unlimited : static_cast<unsigned>(std::min<std::int64_t>(wanted, 256));
}

// Applies DOCKER_DEFAULT_PLATFORM to services that do not choose a platform.
Result<> apply_default_platform(compose::Project& project) {
  const auto found = project.environment.find("DOCKER_DEFAULT_PLATFORM");
  if (found == project.environment.end() || found->second.empty()) return {};
  for (auto& [name, service] : project.services) {
    if (!service.platform.empty()) continue;
    if (service.build && !service.build->platforms.empty() &&
        std::ranges::count(service.build->platforms, found->second) == 0) {
      return fail(Error(Code::invalid, "service \"" + name +
                                           "\" build.platforms does not support value set by "
                                           "DOCKER_DEFAULT_PLATFORM: " +
                                           found->second)
                      .at(project.locate({"services", name, "build", "platforms"})));
    }
    service.platform = found->second;
  }
  return {};
}

}  // namespace

Result<compose::Project> load_project(const Invocation& invocation, const compose::LoadOptions& options) {
  return load_project(invocation, options, compose::find_project(options));
}

Result<compose::Project> load_project(const Invocation& invocation, const compose::LoadOptions& options,
                                      Result<compose::ProjectSettings> settings) {
  compose::LoadOutcome outcome = compose::load(options, std::move(settings), invocation.files->parsed.get());
  print_warnings(invocation, outcome.diagnostics);
  if (outcome.project) return std::move(*outcome.project);
  const auto errors = errors_of(outcome.diagnostics);
  if (errors.empty()) return fail(Code::internal, "load the project");
  print_diagnostics(invocation.terminal, errors);
  return fail(Error(Code::invalid));  // has been reported already
}

namespace {

// The project of the container with this name: `consort exec lms_postgres psql`. "" if there is no such container.
Result<std::string> project_of_container(const std::string& name) {
  const auto engine = TRY(engine::Engine::open(TRY(Roots::from_environment())));
  for (const engine::Container& container : TRY(engine->list()))
    if (project::is_called(container, name)) return container.project;
  return std::string();
}

// The command's first name: a service, or a container. `cp` has it in either of its arguments.
std::string first_name(const Invocation& invocation) {
  if (!invocation.command->arguments.starts_with("SERVICE:"))
    return invocation.arguments.empty() ? "" : invocation.arguments[0];
  for (const std::string& place : invocation.arguments)
    if (const std::size_t colon = place.find(':'); colon != std::string::npos) return place.substr(0, colon);
  return {};
}

bool has_service(const compose::Project& project, const std::string& name) {
  return project.services.contains(name) || project.disabled_services.contains(name);
}

// The target of a command: a loaded project, or only its name.
struct Meant {
  std::string name;
  std::optional<compose::Project> project;
  compose::LoadOptions options;  // the options that it was loaded with
  bool unnamed = false;          // the name comes from neither a flag nor the environment
};

Result<Meant> find_meant(const Invocation& invocation, Need need, const std::vector<std::string>& services) {
  Meant meant;
  if (need == Need::engine) return meant;
  auto looking = load_options(invocation, services);
  std::optional<Result<compose::ProjectSettings>> found;
  const auto settings = [&]() -> Result<compose::ProjectSettings>& {
    return found ? *found : found.emplace(compose::find_project(*looking));
  };
  const bool without_files = need == Need::name && invocation.globals.list("file").empty();
  std::string& name = meant.name = invocation.globals.text("project-name");
  if (name.empty() && without_files)
    if (const char* variable = std::getenv("COMPOSE_PROJECT_NAME"); variable && !std::getenv("COMPOSE_FILE"))
      if (looking && !settings()) name = variable;
  const std::string first = need == Need::name && name.empty() ? first_name(invocation) : "";
  if (!first.empty() && looking && !settings()) name = TRY(project_of_container(first));
  if (without_files && !name.empty()) return meant;

  if (!looking) return fail(std::move(looking).error());
  meant.unnamed = settings() && settings()->name.empty();
  meant.options = std::move(*looking);
  // Commands that only inspect or stop something work even if nothing could be started.
  if (need == Need::name) meant.options.resolve_env_files = compose::Switch::off;
  compose::Project& project =
      meant.project.emplace(TRY(load_project(invocation, meant.options, std::move(settings()))));
  const project::RemoteFiles* remote = invocation.files->remote.get();
  if (need == Need::file && remote) TRY(agree_to_remote_files(invocation, *remote, project));
  if (need == Need::file) TRY(apply_default_platform(project));
  name = project.name;
  if (first.empty() || has_service(project, first)) return meant;
  if (const std::string other = TRY(project_of_container(first)); !other.empty() && other != name) {
    meant.project.reset();
    name = other;
  }
  return meant;
}

}  // namespace

Result<std::unique_ptr<Workspace>> Workspace::open(const Invocation& invocation, Need need,
                                                   const std::vector<std::string>& services) {
  std::unique_ptr<Workspace> workspace(new Workspace);
  Meant meant = TRY(find_meant(invocation, need, services));
  // The modes of what is created for containers from here on ("/", mount points, bind directories) must not depend on
  // the caller.
  ::umask(022);
  const Roots roots = TRY(Roots::from_environment());
  const Reserve reserve(roots.data);
  const bool in_need = invocation.command != nullptr && invocation.command->room == Room::made;
  if (in_need) reserve.give_up_if_full();
  workspace->engine_ = TRY(engine::Engine::open(roots));
  if (!in_need) reserve.keep();  // after it: not in a directory that is refused
  workspace->progress_ =
      make_progress(invocation.terminal, {.mode = invocation.progress, .dry_run = invocation.dry_run});
  workspace->session_.reset(new project::Session{.engine = *workspace->engine_,
                                                 .progress = *workspace->progress_,
                                                 .project_name = meant.name,
                                                 .project = std::move(meant.project)});
  project::Session& session = *workspace->session_;
  // A project named in the environment need not be the one in this directory. As in Docker Compose, a command that
  // stops or inspects may then name a service that does not exist in the file.
  const char* named = std::getenv("COMPOSE_PROJECT_NAME");
  if (need == Need::name && named && *named && invocation.globals.text("project-name").empty() &&
      invocation.globals.list("file").empty())
    session.strangers = project::Strangers::told;
  session.dry_run = invocation.dry_run ? project::DryRun::yes : project::DryRun::no;
  session.parallel = TRY(parallel_of(invocation));
  session.interrupt_fd = TRY(interrupt_descriptor());
  session.separator = separator_of(invocation);
  session.env_files = invocation.globals.list("env-file");
  session.holder = invocation.line;
  if (invocation.globals.on("debug")) session.debug = [](const std::string& line) { print_err(line + "\n"); };
  session.before_builds = [&invocation] { seal_program(invocation, Warned::yes); };
  session.confirm = [&invocation](const std::string& question) {
    return confirm(invocation.terminal, question, Answer::no);
  };
  if (session.project && meant.unnamed && is_named_after_directory(*session.project))
    TRY(workspace->find_project_here(invocation, std::move(meant.options)));
  return workspace;
}

// If the project is already running, created through another path of its directory, that path is used.
Result<> Workspace::find_project_here(const Invocation& invocation, compose::LoadOptions options) {
  project::Session& session = *session_;
  const auto here = TRY(find_same_place(*engine_, project::loaded_project(session)));
  if (!here) return {};
  if (!here->after_directory) {
    if (invocation.command->name == "up")
      progress_->warn("project \"" + here->project + "\" also runs from this directory; this creates another one, \"" +
                      session.project_name + "\": use -p " + here->project + " if you mean that one");
    return {};
  }
  progress_->warn("this directory is " + here->directory + ", from which project \"" + here->project +
                  "\" runs: using that project instead of \"" + session.project_name +
                  "\" (use -p to create another one)");
  if (options.project_directory.empty()) options.project_directory = here->directory;
  compose::LoadOutcome again = compose::load(options);
  if (!again.project || again.project->name != here->project) return {};
  session.project = std::move(*again.project);
  session.project_name = here->project;
  return {};
}

Result<> Workspace::lock() {
  if (session_->dry_run == project::DryRun::yes) return {};
  engine::LockOptions options;
  options.on_wait = [this](const std::string& holder) { progress_->warn(holder); };
  lock_ = TRY(engine_->lock_project(session_->project_name, options));
  return {};
}

}  // namespace consort::cli

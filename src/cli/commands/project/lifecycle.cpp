// start, stop, restart, kill, pause, unpause, rm and wait: commands on existing containers.
#include <poll.h>

#include <algorithm>
#include <functional>
#include <map>
#include <set>

#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/project/selection.hpp"
#include "cli/render/confirm.hpp"
#include "compose/jobs.hpp"
#include "project/plan/lifecycle.hpp"
#include "project/plan/names.hpp"
#include "project/plan/pre_start.hpp"
#include "project/verbs/providers.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

namespace {

using project::Containers;

project::ServiceGraph graph_of(const Workspace& workspace, const Containers& containers) {
  return workspace.project() ? project::ServiceGraph::of(*workspace.project()) : project::ServiceGraph::of(containers);
}

project::StopPlanOptions stop_options(const Invocation& invocation, const Workspace& workspace) {
  project::StopPlanOptions options;
  options.timeout_seconds = timeout_of(invocation);
  const std::set<std::string> named(invocation.arguments.begin(), invocation.arguments.end());
  if (workspace.project()) project::add_from_file(options, *workspace.project(), named);
  return options;
}

std::map<std::string, std::vector<compose::Hook>> post_start_of(const Workspace& workspace) {
  std::map<std::string, std::vector<compose::Hook>> hooks;
  if (workspace.project())
    for (const auto& [name, service] : workspace.project()->services)
      if (!service.post_start.empty()) hooks[name] = service.post_start;
  return hooks;
}

// Hooks that `create` has not run, or that have failed. As in `up`, providers run first, because a hook gets its
// service's variables.
Result<std::map<std::string, std::vector<project::Operation>>> pre_start_of(Workspace& workspace,
                                                                            const Containers& containers,
                                                                            const std::set<std::string>& named) {
  project::Session& session = workspace.session();
  std::map<std::string, std::vector<project::Operation>> none;
  if (!session.project) return none;
  const project::ServiceGraph graph = project::ServiceGraph::of(*session.project);
  const std::set<std::string> wanted =
      graph.with_dependencies(named.empty() ? graph.services() : std::vector(named.begin(), named.end()));
  const project::HookDonors donors = TRY(project::donors_before_start(*session.project, containers, wanted));
  if (donors.empty()) return none;
  std::set<std::string> services;
  for (const auto& [name, donor] : donors) services.insert(name);
  TRY(project::ask_providers_of(session, services, {}));
  Containers hooks = TRY(session.engine.list({.project = session.project_name}));
  std::erase_if(hooks, std::not_fn(project::is_hook));
  return project::hooks_before_start(*session.project, donors, hooks,
                                     {.separator = session.separator, .env_files = session.env_files},
                                     session.provided);
}

struct Opened {
  std::unique_ptr<Workspace> workspace;
  Containers containers;
};

enum class Scope : std::uint8_t { named, all };  // all: the plan itself chooses
Result<Opened> open(const Invocation& invocation, Scope scope = Scope::named,
                    project::Oneoffs oneoffs = project::Oneoffs::leave_out) {
  Opened opened;
  opened.workspace = TRY(Workspace::open(invocation, Need::name, invocation.arguments));
  TRY(opened.workspace->lock());
  if (scope == Scope::all) {  // still reports unknown names
    TRY(project::select_containers(opened.workspace->session(), invocation.arguments, oneoffs));
    opened.containers = TRY(project::select_containers(opened.workspace->session(), {}, oneoffs));
  } else {
    opened.containers = TRY(project::select_containers(opened.workspace->session(), invocation.arguments, oneoffs));
  }
  return opened;
}

Result<int> carry_out(Workspace& workspace, const project::Plan& plan, std::string_view title) {
  TRY(project::execute(workspace.session(), plan, title));
  return 0;
}

}  // namespace

namespace {

// A run that failed has left its container; only `run` makes another run.
Result<> refuse_jobs(const Workspace& workspace, const std::vector<std::string>& names) {
  if (!workspace.project()) return {};
  for (const std::string& name : names)
    if (auto refused = compose::is_job_only(*workspace.project(), name)) return fail(std::move(*refused));
  return {};
}

}  // namespace

Result<int> run_start(Invocation& invocation) {
  const auto limit = TRY(wait_limit(invocation.flags));
  const Opened opened = TRY(open(invocation, Scope::all));
  TRY(refuse_jobs(*opened.workspace, invocation.arguments));
  project::StartPlanOptions options{.post_start = post_start_of(*opened.workspace)};
  const std::set<std::string> named = project::services_named(opened.containers, invocation.arguments);
  options.pre_start = TRY(pre_start_of(*opened.workspace, opened.containers, named));
  project::RunDetail detail;
  detail.limit_seconds = limit;
  if (invocation.flags.on("wait")) options.then = project::StartPlanOptions::Then::wait;
  const project::Plan plan =
      TRY(project::plan_start(opened.containers, graph_of(*opened.workspace, opened.containers), named, options));
  TRY(project::execute(opened.workspace->session(), plan, "Running", detail));
  return 0;
}

Result<int> run_stop(Invocation& invocation) {
  const Opened opened = TRY(open(invocation));
  const project::Plan plan = project::plan_stop(opened.containers, graph_of(*opened.workspace, opened.containers),
                                                stop_options(invocation, *opened.workspace));
  return carry_out(*opened.workspace, plan, "Stopping");
}

Result<int> run_restart(Invocation& invocation) {
  const Opened opened = TRY(open(invocation, Scope::all));
  TRY(refuse_jobs(*opened.workspace, invocation.arguments));
  project::StopPlanOptions how = stop_options(invocation, *opened.workspace);
  how.post_start = post_start_of(*opened.workspace);
  const project::Plan plan = project::plan_restart(
      opened.containers, graph_of(*opened.workspace, opened.containers),
      project::services_named(opened.containers, invocation.arguments),
      invocation.flags.on("no-deps") ? project::Dependents::ignore : project::Dependents::include, how);
  return carry_out(*opened.workspace, plan, "Restarting");
}

namespace {

// The running containers that Docker Compose selects: those of existing services whose profile is active.
Result<Opened> open_running(Invocation& invocation, project::Oneoffs oneoffs) {
  Opened opened = TRY(open(invocation, Scope::named, oneoffs));
  const compose::Project* file = opened.workspace->project();
  std::erase_if(opened.containers, [&](const engine::Container& each) {
    return !each.state.running() || (file && !file->services.contains(each.service));
  });
  return opened;
}

}  // namespace

Result<int> run_kill(Invocation& invocation) {
  const Opened opened = TRY(open_running(invocation, project::Oneoffs::include));
  if (opened.containers.empty()) {
    print_err("no container to kill");
    return 0;
  }
  const std::string signal = invocation.flags.text("signal", "SIGKILL");
  return carry_out(*opened.workspace, project::plan_kill(opened.containers, signal), "Killing");
}

Result<int> run_pause(Invocation& invocation) {
  const Opened opened = TRY(open_running(invocation, project::Oneoffs::leave_out));
  return carry_out(*opened.workspace, project::plan_pause(opened.containers), "Pausing");
}

Result<int> run_unpause(Invocation& invocation) {
  const Opened opened = TRY(open_running(invocation, project::Oneoffs::leave_out));
  return carry_out(*opened.workspace, project::plan_unpause(opened.containers), "Unpausing");
}

Result<int> run_rm(Invocation& invocation) {
  Opened opened = TRY(open(invocation));
  // If containers are named directly, --force also removes running ones, as in docker.
  const bool named =
      !invocation.arguments.empty() && std::ranges::all_of(invocation.arguments, [&](const std::string& name) {
        return std::ranges::any_of(opened.containers,
                                   [&](const engine::Container& each) { return project::is_called(each, name); });
      });
  const bool stop_first = invocation.flags.on("stop") || (named && invocation.flags.on("force"));
  if (!stop_first) std::erase_if(opened.containers, [](const engine::Container& each) { return each.state.running(); });
  if (opened.containers.empty()) {
    print_err("No stopped containers\n");
    return 0;
  }
  std::vector<std::string> names;
  for (const engine::Container& container : opened.containers) names.push_back(container.name);
  const std::string question = "Going to remove " + join(names, ", ");
  if (invocation.flags.on("force") || invocation.dry_run) {
    print_out(question + "\n");
  } else if (!confirm(invocation.terminal, "? " + question, Answer::no)) {
    return 0;
  }
  const project::Plan plan = project::plan_remove(
      opened.containers, {.anonymous_volumes = invocation.flags.on("volumes"), .stop_first = stop_first});
  return carry_out(*opened.workspace, plan, "Removing");
}

namespace {

// Blocks until one of the containers has ended, and removes it from the list.
Result<engine::Container> next_to_end(Workspace& workspace, Containers& containers) {
  project::Session& session = workspace.session();
  while (true) {
    const auto watch = TRY(session.engine.watch(session.project_name, engine::Unserved::revive));
    const Containers now = TRY(session.engine.list({.project = session.project_name}));
    for (auto each = containers.begin(); each != containers.end(); ++each) {
      const auto found = std::ranges::find(now, each->id, &engine::Container::id);
      if (found != now.end() && found->state.running()) continue;
      engine::Container ended = found == now.end() ? *each : *found;
      containers.erase(each);
      return ended;
    }
    pollfd change{watch->fd(), POLLIN, 0};
    constexpr int pause_unserved = 1000;  // ms; for a container that runs without a supervisor
    (void)::poll(&change, 1, watch->fd() < 0 ? pause_unserved : -1);
  }
}

}  // namespace

Result<int> run_wait(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::name, invocation.arguments));
  Containers containers =
      TRY(project::select_containers(workspace->session(), invocation.arguments, project::Oneoffs::leave_out));
  if (containers.empty())
    return fail(Code::not_found, "no containers for project \"" + workspace->project_name() + "\"");
  int code = 0;
  while (!containers.empty()) {
    const engine::Container ended = TRY(next_to_end(*workspace, containers));
    code = ended.state.exit_code.value_or(1);
    print_out("container \"" + ended.id + "\" exited with status code " + std::to_string(code) + "\n");
    if (!invocation.flags.on("down-project")) continue;
    Invocation down = invocation;
    down.arguments.clear();
    down.flags = {};
    down.flags.set("remove-orphans", "true");
    (void)TRY(run_down(down));
    return code;
  }
  return code;
}

}  // namespace consort::cli

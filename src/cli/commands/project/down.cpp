#include <algorithm>

#include "cli/commands/handlers.hpp"
#include "cli/commands/project/selection.hpp"
#include "project/plan/lifecycle.hpp"
#include "project/verbs/jobs.hpp"
#include "project/verbs/select.hpp"

namespace consort::cli {

namespace {

Result<project::DownOptions> down_options(const Invocation& invocation, Workspace& workspace) {
  const ParsedFlags& flags = invocation.flags;
  project::DownOptions options;
  options.named = {invocation.arguments.begin(), invocation.arguments.end()};
  options.stop.timeout_seconds = timeout_of(invocation);
  options.volumes = flags.on("volumes");
  options.remove_orphans = TRY(orphans_of(invocation)) == project::Orphans::remove;
  const std::string images = flags.text("rmi");
  if (images == "local") {
    options.images = project::RemoveImages::local;
  } else if (images == "all") {
    options.images = project::RemoveImages::all;
  } else if (!images.empty()) {
    return fail(Code::invalid, "invalid value for --rmi: \"" + images + "\"");
  }
  if (workspace.project()) project::add_from_file(options.stop, *workspace.project(), options.named);
  return options;
}

// As in Docker Compose, there is no warning about having nothing to remove if the file would create something.
bool makes_anything(const compose::Project& file, const project::DownOptions& options) {
  const auto ours = [](const auto& each) { return !each.second.external; };
  return std::ranges::any_of(file.networks, ours) || (options.volumes && std::ranges::any_of(file.volumes, ours));
}

}  // namespace

Result<int> run_down(Invocation& invocation) {
  const auto workspace = TRY(Workspace::open(invocation, Need::name, invocation.arguments));
  const project::DownOptions options = TRY(down_options(invocation, *workspace));
  TRY(workspace->lock());
  project::Session& session = workspace->session();
  if (invocation.arguments.empty()) TRY(project::remove_jobs(session));
  const project::Observed observed = TRY(project::observe(session, project::Look::everything));
  TRY(project::check_services(session, observed.containers, invocation.arguments));
  const project::Plan plan = project::plan_down(session.project_name, workspace->project(), observed, options);
  if (plan.empty()) {
    if (workspace->project() && makes_anything(*workspace->project(), options)) return 0;
    session.progress.warn("Warning: No resource found to remove for project \"" + session.project_name + "\".");
    return 0;
  }
  TRY(project::execute(session, plan, "Running"));
  TRY(session.engine.end_project(session.project_name));
  return 0;
}

}  // namespace consort::cli

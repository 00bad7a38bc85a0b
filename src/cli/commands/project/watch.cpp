// watch: updates the project when its sources change.
#include "cli/commands/project/watch.hpp"

#include "base/time.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/project/selection.hpp"
#include "cli/seal.hpp"
#include "cli/signals.hpp"
#include "project/verbs/select.hpp"
#include "project/verbs/watch.hpp"

namespace consort::cli {

namespace {

Result<> bring_up_for_watch(Invocation& invocation, Workspace& workspace, const project::RunDetail& detail) {
  compose::Project& project = *workspace.session().project;
  // Watched services are first built from their current sources.
  for (auto& [name, service] : project.services)
    if (service.build && service.develop) service.pull_policy = "build";
  project::UpOptions options = TRY(up_options(invocation, workspace, invocation.arguments));
  options.detail = detail;
  if (detail.build == project::Detail::quiet) options.detail.pull = project::Detail::quiet;
  options.converge.recreate_dependencies = project::Recreate::never;
  TRY(workspace.lock());
  TRY(project::warn_of_namesake(workspace.session()));
  TRY(project::bring_up(workspace.session(), options));
  workspace.unlock();
  return {};
}

}  // namespace

project::ReactOptions react_options(const Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  project::ReactOptions react;
  if (flags.on("quiet")) react.detail.build = project::Detail::quiet;
  if (flags.has("prune") && !flags.on("prune")) react.superseded = project::Superseded::keep;
  react.say = [](const std::string& line) { print_out(line + "\n"); };
  react.warn = [&invocation](const std::string& message) { print_warning(invocation.terminal, message); };
  if (invocation.globals.on("verbose"))
    react.debug = [](const std::string& message) {
      print_err("time=\"" + format_rfc3339_seconds(system_now()) + "\" level=debug msg=\"" + message + "\"\n");
    };
  react.out = print_out;
  react.err = print_err;
  return react;
}

Result<int> run_watch(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  seal_program(invocation);
  const auto workspace = TRY(Workspace::open(invocation, Need::file, invocation.arguments));
  TRY(select_services(*workspace, invocation.arguments, compose::Dependencies::include));
  project::Session& session = workspace->session();
  const project::ReactOptions react = react_options(invocation);
  // Before anything is started: nothing is started if the sources cannot be watched, and no change is missed during the
  // start.
  const auto watching = TRY(project::Watching::create(session, project::Rebuilds::allowed, react));
  if (!flags.on("no-up")) TRY(bring_up_for_watch(invocation, *workspace, react.detail));
  Result<> outcome = watching->run(session.interrupt_fd);
  if (!outcome && outcome.error().code() != Code::interrupted) return fail(std::move(outcome).error());
  return interrupted_status;
}

}  // namespace consort::cli

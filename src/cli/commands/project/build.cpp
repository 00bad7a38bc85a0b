// build, pull and push: the images of services.
#include <algorithm>
#include <cstdlib>

#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/project/build_file.hpp"
#include "cli/commands/project/push_services.hpp"
#include "cli/commands/project/selection.hpp"
#include "cli/render/progress.hpp"
#include "cli/seal.hpp"
#include "project/exec/image_build.hpp"
#include "project/exec/image_pull.hpp"
#include "project/exec/listening.hpp"
#include "project/exec/loaded_project.hpp"
#include "project/plan/images.hpp"
#include "project/plan/names.hpp"

namespace consort::cli {

namespace {

std::map<std::string, std::string> build_arguments(const Workspace& workspace, const ParsedFlags& flags) {
  std::map<std::string, std::string> result;
  for (const std::string& entry : with_values(workspace, flags.list("build-arg"))) {
    const std::size_t equals = entry.find('=');
    result[entry.substr(0, equals)] = entry.substr(equals + 1);
  }
  return result;
}

// Warns about flags that only matter for builds in other processes, once for each.
void warn_of_unused(const ParsedFlags& flags, project::Progress& progress) {
  if (flags.has("builder")) progress.warn("--builder is ignored: builds run in this process");
  if (flags.has("memory")) progress.warn("--memory is ignored, as by BuildKit");
  for (const char* flag : {"provenance", "sbom"})
    if (flags.has(flag) && flags.text(flag) != "false")
      progress.warn("--" + std::string(flag) + " is ignored: images are built without attestations");
}

// Prints the findings of the checks; the exit status is 1 if there are any.
Result<int> check_services(Workspace& workspace, const project::RunDetail& detail) {
  bool clean = true;
  for (const auto& [name, service] : workspace.project()->services) {
    if (!service.build) continue;
    const project::CheckedImage checked = TRY(project::check_image(workspace.session(), service, detail));
    print_out(checked.report);
    clean = clean && checked.clean;
  }
  return clean ? 0 : 1;
}

project::RunDetail build_detail(const Workspace& workspace, const ParsedFlags& flags) {
  project::RunDetail detail;
  if (flags.on("quiet")) detail.build = project::Detail::quiet;
  detail.no_cache = flags.on("no-cache");
  detail.always_pull_base = flags.on("pull");
  detail.all_platforms = !flags.on("check");  // the findings are the same for every platform
  detail.explain = flags.on("explain");
  detail.build_args = build_arguments(workspace, flags);
  detail.ssh = flags.list("ssh");
  return detail;
}

// The named services, and those whose images they use as build contexts (additional_contexts: x: service:NAME).
std::vector<std::string> with_context_services(const compose::Project& project, std::vector<std::string> names) {
  constexpr std::string_view prefix = "service:";
  for (std::size_t i = 0; i < names.size(); ++i) {
    const auto found = project.services.find(names[i]);
    if (found == project.services.end() || !found->second.build) continue;
    for (const auto& [key, context] : found->second.build->additional_contexts) {
      if (!context.starts_with(prefix)) continue;
      const std::string other = context.substr(prefix.size());
      if (std::ranges::find(names, other) == names.end()) names.push_back(other);
    }
  }
  return names;
}

// Images that `pull` could not get and skipped, because a build can create them. They are listed with the command to
// build them.
std::vector<std::string> missed_images(project::Session& session, const project::Plan& plan, SystemTime began) {
  std::vector<std::string> missed;
  const auto local = project::local_images(session);
  if (!local || session.dry_run == project::DryRun::yes) return missed;
  for (const project::Operation& operation : plan.operations()) {
    if (!operation.is<project::PullImage>() || operation.necessity != project::Necessity::optional) continue;
    const compose::Service& service = project::loaded_project(session).services.at(operation.service);
    const auto found = local->find(project::image_key(project::loaded_project(session), service));
    // The time of a tag is stored in whole seconds.
    const bool fresh = found != local->end() && found->second.last_tagged + std::chrono::seconds(1) > began;
    if (service.build && !fresh) missed.push_back(operation.service);
  }
  return missed;
}

// Docker Compose also accepts the flag here, with a warning.
Result<> apply_progress_flag(Invocation& invocation) {
  if (invocation.flags.on("quiet")) invocation.progress = ProgressMode::quiet;
  if (!invocation.flags.has("progress")) return {};
  const auto mode = parse_progress(invocation.flags.text("progress"));
  if (!mode) return fail(Code::invalid, "unsupported --progress value \"" + invocation.flags.text("progress") + "\"");
  print_warning(invocation.terminal, "--progress is a global flag, better use `" + invocation.program + " --progress " +
                                         invocation.flags.text("progress") + " build ...`");
  invocation.progress = *mode;
  return {};
}

}  // namespace

Result<int> run_build(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  // This restarts the program from a sealed copy, so anything printed before would be printed twice.
  if (!flags.on("print") && !flags.on("check")) seal_program(invocation);
  TRY(apply_progress_flag(invocation));
  const auto workspace = TRY(Workspace::open(invocation, Need::file, invocation.arguments));
  TRY(select_services(*workspace, with_context_services(*workspace->project(), invocation.arguments),
                      flags.on("with-dependencies") ? compose::Dependencies::include : compose::Dependencies::ignore));
  if (flags.on("print")) {
    const PrintedGoal goal = flags.on("check")  ? PrintedGoal::check
                             : flags.on("push") ? PrintedGoal::push
                                                : PrintedGoal::image;
    print_out(bake_file(*workspace->project(), goal));
    return 0;
  }
  warn_of_unused(flags, workspace->progress());
  project::RunDetail detail = build_detail(*workspace, flags);
  if (invocation.progress == ProgressMode::quiet) detail.build = project::Detail::quiet;
  if (flags.on("check")) return check_services(*workspace, detail);
  TRY(project::execute(workspace->session(), project::plan_build(*workspace->project()), "Building", detail));
  if (flags.on("push")) TRY(push_services(*workspace, detail.build, PushFailures::stop));
  return 0;
}

Result<int> run_pull(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const auto workspace = TRY(Workspace::open(invocation, Need::file, invocation.arguments));
  TRY(select_services(*workspace, invocation.arguments,
                      flags.on("include-deps") ? compose::Dependencies::include : compose::Dependencies::ignore));
  project::PullOptions options;
  options.policy = flags.text("policy");
  if (!options.policy.empty() && options.policy != "missing" && options.policy != "always")
    return fail(Code::invalid, "invalid --policy \"" + options.policy + "\", must be \"missing\" or \"always\"");
  options.ignore_buildable = flags.on("ignore-buildable");
  options.ignore_failures = flags.on("ignore-pull-failures");
  options.now = system_now();
  project::Session& session = workspace->session();
  const project::Plan plan =
      TRY(project::plan_pull(project::loaded_project(session), TRY(project::local_images(session)), options));
  project::RunDetail detail;
  if (flags.on("quiet")) detail.pull = project::Detail::quiet;
  TRY(project::execute(session, plan, "Pulling", detail));
  const std::vector<std::string> missed = missed_images(session, plan, options.now);
  if (missed.empty()) return 0;
  session.progress.warn("WARNING: Some service image(s) must be built from source by running:\n    " +
                        invocation.program + " build " + join(missed, " "));
  return options.ignore_failures ? 0 : 1;
}

Result<int> run_push(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const auto workspace = TRY(Workspace::open(invocation, Need::file, invocation.arguments));
  TRY(select_services(*workspace, invocation.arguments,
                      flags.on("include-deps") ? compose::Dependencies::include : compose::Dependencies::ignore));
  TRY(push_services(*workspace, flags.on("quiet") ? project::Detail::quiet : project::Detail::all,
                    flags.on("ignore-push-failures") ? PushFailures::ignore : PushFailures::stop));
  return 0;
}

}  // namespace consort::cli

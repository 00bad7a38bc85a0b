// build, pull and push: the images of services.
#include <cstdlib>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/selection.hpp"
#include "project/exec/image_pull.hpp"
#include "project/plan/images.hpp"

namespace consort::cli {

namespace {

std::map<std::string, std::string> build_arguments(const ParsedFlags& flags) {
  std::map<std::string, std::string> result;
  for (const std::string& entry : flags.list("build-arg")) {
    const std::size_t equals = entry.find('=');
    if (equals != std::string::npos) {
      result[entry.substr(0, equals)] = entry.substr(equals + 1);
    } else if (const char* ours = std::getenv(entry.c_str())) {
      result[entry] = ours;
    }
  }
  return result;
}

Json target_json(const compose::Project& project, const compose::Service& service) {
  const compose::Build& build = *service.build;
  Json target = Json::object();
  target["context"] = build.context;
  if (!build.dockerfile.empty()) target["dockerfile"] = build.dockerfile;
  if (!build.dockerfile_inline.empty()) target["dockerfile-inline"] = build.dockerfile_inline;
  Json args = Json::object();
  for (const auto& [key, value] : build.args)
    if (value) args[key] = *value;
  if (!args.empty()) target["args"] = args;
  if (!build.labels.empty()) target["labels"] = build.labels;
  std::vector<std::string> tags{project::image_name(project, service)};
  tags.insert(tags.end(), build.tags.begin(), build.tags.end());
  target["tags"] = tags;
  if (!build.target.empty()) target["target"] = build.target;
  target["output"] = Json::array({"type=docker"});
  return target;
}

std::string print_plan(const compose::Project& project) {
  Json targets = Json::object(), names = Json::array();
  for (const auto& [name, service] : project.services) {
    if (!service.build) continue;
    names.push_back(name);
    targets[name] = target_json(project, service);
  }
  const Json document{{"group", {{"default", {{"targets", names}}}}}, {"target", targets}};
  return dump_json(document, 2) + "\n";
}

// Pushes one after the other: a registry is not quicker with several, and the output stays readable.
Result<> push_services(Workspace& workspace, project::Detail detail, bool go_on) {
  project::Session& session = workspace.session();
  const project::Cancellation cancel = TRY(project::Cancellation::create());
  session.progress.begin("Pushing");
  for (const auto& [name, service] : session.project->services) {
    if (!service.build || service.image.empty()) {
      session.progress.event({.id = name, .text = "Skipped", .outlook = project::Outlook::done});
      continue;
    }
    session.progress.event({.id = name, .text = "Pushing"});
    if (session.dry_run == project::DryRun::no) {
      Result<> outcome =
          project::push_image(session, name, project::image_name(*session.project, service), detail, cancel);
      if (!outcome) {
        session.progress.event(
            {.id = name, .text = "Error", .status = outcome.error().message(), .outlook = project::Outlook::error});
        if (go_on) continue;
        session.progress.finish();
        return outcome;
      }
    }
    session.progress.event({.id = name, .text = "Pushed", .outlook = project::Outlook::done});
  }
  session.progress.finish();
  return {};
}

}  // namespace

Result<int> run_build(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const auto workspace = TRY(Workspace::open(invocation, Need::file, invocation.arguments));
  TRY(select_services(*workspace, invocation.arguments,
                      flags.on("with-dependencies") ? compose::Dependencies::include : compose::Dependencies::ignore));
  if (flags.on("print")) {
    print_out(print_plan(*workspace->project()));
    return 0;
  }
  project::RunDetail detail;
  detail.build = flags.on("quiet") ? project::Detail::quiet : project::Detail::all;
  detail.no_cache = flags.on("no-cache");
  detail.always_pull_base = flags.on("pull");
  detail.check_only = flags.on("check");
  detail.build_args = build_arguments(flags);
  detail.ssh = flags.list("ssh");
  TRY(project::execute(workspace->session(), project::plan_build(*workspace->project()), "Building", detail));
  if (flags.on("push")) TRY(push_services(*workspace, detail.build, false));
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
  const project::Plan plan = TRY(project::plan_pull(*session.project, TRY(project::local_images(session)), options));
  project::RunDetail detail;
  if (flags.on("quiet")) detail.pull = project::Detail::quiet;
  TRY(project::execute(session, plan, "Pulling", detail));
  return 0;
}

Result<int> run_push(Invocation& invocation) {
  const ParsedFlags& flags = invocation.flags;
  const auto workspace = TRY(Workspace::open(invocation, Need::file, invocation.arguments));
  TRY(select_services(*workspace, invocation.arguments,
                      flags.on("include-deps") ? compose::Dependencies::include : compose::Dependencies::ignore));
  TRY(push_services(*workspace, flags.on("quiet") ? project::Detail::quiet : project::Detail::all,
                    flags.on("ignore-push-failures")));
  return 0;
}

}  // namespace consort::cli

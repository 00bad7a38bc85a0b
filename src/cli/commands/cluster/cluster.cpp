#include "cli/commands/cluster/cluster.hpp"

#include <algorithm>
#include <cstdlib>

#include "cli/commands/cluster/cluster_flags.hpp"
#include "cli/commands/handlers.hpp"
#include "cli/commands/project/selection.hpp"
#include "cli/project_files.hpp"
#include "cli/render/confirm.hpp"
#include "cli/render/diagnostic.hpp"
#include "cli/render/progress.hpp"
#include "cli/signals.hpp"
#include "cli/workspace.hpp"
#include "compose/parsed_files.hpp"
#include "kube/passwords.hpp"
#include "kube/verbs.hpp"

namespace consort::cli {

namespace {

Result<int> cluster_down(Invocation& invocation, const ClusterTarget& target) {
  if (!invocation.arguments.empty()) return fail(Code::unsupported, "on Kubernetes, `down` removes the whole project");
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterWorkspace::Need::name));
  kube::Session& session = workspace->session();
  const bool volumes = invocation.flags.on("volumes");
  if (volumes && invocation.terminal.in_is_terminal && invocation.terminal.out_is_terminal && !invocation.dry_run) {
    const project::Listening listening;  // for the question: ends with the answer, or with the command
    workspace->release_interrupts();
    if (!confirm(invocation.terminal,
                 "All data of project \"" + session.project_name + "\" on the cluster will be lost. Continue?",
                 Answer::no))
      return 1;
  }
  if (!TRY(kube::take_down(session, {.volumes = volumes})))
    session.progress.warn("Warning: No resource found to remove for project \"" + session.project_name + "\".");
  return 0;
}

using OnServices = Result<> (*)(kube::Session& session, const std::vector<std::string>& services);
template <OnServices act>
Result<int> on_services(Invocation& invocation, const ClusterTarget& target) {
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterWorkspace::Need::name));
  TRY(act(workspace->session(), invocation.arguments));
  return 0;
}

struct Verb {
  std::string_view name;
  ClusterVerb run;             // null: the command is refused
  std::string_view why = {};   // the reason, if refused
  std::string_view hint = {};  // what to do instead
};
constexpr Verb verbs[] = {
    {"attach", cluster_attach},
    {"commit", nullptr, "the API of Kubernetes does not expose a container's file system",
     "put the changes into the Dockerfile, and run `up`"},
    {"cp", cluster_cp},
    {"create", nullptr, "Kubernetes does not create pods that do not run",
     "`up -d`, then `stop`: it sets replicas to 0 until `start`"},
    {"down", cluster_down},
    {"events", cluster_events},
    {"exec", cluster_exec},
    {"export", nullptr, "the API of Kubernetes does not expose a container's file system",
     "`cp SERVICE:/PATH -` takes what you need; `image save` has the image"},
    {"images", cluster_images},
    {"kill", cluster_kill},
    {"logs", cluster_logs},
    {"ls", cluster_ls},
    {"pause", nullptr, "Kubernetes cannot pause a container",
     "use `stop`, which ends the pods, and `start`, which creates them again"},
    {"port", cluster_port},
    {"ps", cluster_ps},
    {"restart", on_services<kube::restart>},
    {"rm", cluster_rm},
    {"run", cluster_run},
    {"scale", cluster_scale},
    {"start", on_services<kube::start>},
    {"stats", cluster_stats},
    {"stop", on_services<kube::stop>},
    {"top", cluster_top},
    {"unpause", nullptr, "Kubernetes cannot pause a container", "`start` creates pods again after `stop`"},
    {"up", cluster_up},
    {"volume export", cluster_volume_export},
    {"volume import", cluster_volume_import},
    {"volumes", cluster_volumes},
    {"wait", cluster_wait},
    {"watch", cluster_watch},
};

const Verb* verb_of(const Invocation& invocation) {
  const auto found = std::ranges::find(verbs, invocation.command->name, &Verb::name);
  return found == std::end(verbs) ? nullptr : &*found;
}

// `x-consort: {on: kubernetes}`. Files that do not contain "x-consort", which are nearly all, are not parsed.
std::string on_of_file(const Invocation& invocation) {
  const auto options = load_options(invocation, {});
  if (!options) return "";
  const auto settings = compose::find_project(*options);
  if (!settings) return "";
  const bool mentioned = std::ranges::any_of(settings->files, [&](const std::string& file) {
    const auto text = options->access.read(file);
    return text && text->find("x-consort") != std::string::npos;
  });
  if (!mentioned) return "";
  invocation.files->parsed = std::make_shared<compose::ParsedFiles>();
  return compose::top_level_value(*options, *settings, {"x-consort", "on"}, invocation.files->parsed.get());
}

}  // namespace

Result<std::optional<ClusterTarget>> cluster_target(const Invocation& invocation) {
  if (!verb_of(invocation)) return std::nullopt;
  const char* variable = std::getenv("CONSORT_ON");
  std::string where = invocation.globals.has("on") ? invocation.globals.text("on") : variable ? variable : "";
  if (where.empty()) where = on_of_file(invocation);
  if (where.empty() || where == "here") return std::nullopt;
  constexpr std::string_view kubernetes = "kubernetes";
  if (where == kubernetes) return ClusterTarget{};
  if (where.starts_with("kubernetes:")) return ClusterTarget{where.substr(kubernetes.size() + 1)};
  return fail(Error(Code::invalid, "unknown place \"" + where + "\" to run on")
                  .hint("use kubernetes, kubernetes:CONTEXT, or here"));
}

std::vector<std::string_view> cluster_commands() {
  std::vector<std::string_view> names;
  for (const Verb& verb : verbs) names.push_back(verb.name);
  return names;
}

Result<int> run_on_cluster(Invocation& invocation, const ClusterTarget& target) {
  const Verb* verb = verb_of(invocation);
  if (!verb->run)
    return fail(
        Error(Code::unsupported, "`" + std::string(invocation.command->name) + "` is not supported on Kubernetes")
            .why(std::string(verb->why))
            .hint(std::string(verb->hint)));
  TRY(judge_flags(invocation));
  return verb->run(invocation, target);
}

Result<std::unique_ptr<ClusterWorkspace>> ClusterWorkspace::open(const Invocation& invocation,
                                                                 const ClusterTarget& target, Need need,
                                                                 std::optional<compose::Project> project) {
  std::unique_ptr<ClusterWorkspace> made(new ClusterWorkspace);
  std::string name = invocation.globals.text("project-name");
  const bool by_name = need == Need::name && !name.empty() && invocation.globals.list("file").empty();
  if (!project && !by_name) {
    compose::LoadOptions options = TRY(load_options(invocation, {}));
    if (need == Need::name) options.resolve_env_files = compose::Switch::off;
    project = TRY(load_project(invocation, options));
  }
  if (project) name = project->name;
  made->project_ = std::move(project);
  made->interrupt_fd_ = TRY(interrupt_descriptor());
  const project::Cancellation& cancel = made->cancel_.emplace(TRY(project::Cancellation::create()));
  made->on_interrupt_ = TRY(project::cancel_on_interrupt(made->interrupt_fd_, cancel));
  made->progress_ = make_progress(invocation.terminal, {.mode = invocation.progress, .dry_run = invocation.dry_run});
  kube::Cluster cluster = TRY(kube::find_cluster(target.context, process_environment()));
  const std::string wanted = invocation.globals.text("namespace", cluster.space);
  const bool own = wanted.empty();
  made->client_ = TRY(kube::Client::create(std::move(cluster), cancel.token()));
  made->session_ = std::make_unique<kube::Session>(kube::Session{.client = *made->client_,
                                                                 .progress = *made->progress_,
                                                                 .cancel = cancel,
                                                                 .space = own ? kube::object_name(name) : wanted,
                                                                 .project_name = name});
  made->session_->space_is = own ? kube::Session::Space::own : kube::Session::Space::shared;
  made->session_->trial = invocation.dry_run ? kube::Trial::yes : kube::Trial::no;
  return made;
}

Result<kube::Manifests> manifests_of_running(const Invocation& invocation, ClusterWorkspace& workspace) {
  kube::ManifestOptions options;
  const compose::Project& project = *workspace.project();
  for (const kube::Scaled& each : TRY(kube::scaled(workspace.session(), {})))
    for (const auto& [name, service] : project.services)
      if (service.build && kube::object_name(name) == each.service) options.images[name] = each.image;
  auto passwords = kube::passwords_for(workspace.session());
  // Without the right to read Secrets, a user can still run images that the nodes have or that need no login.
  if (!passwords && passwords.error().code() != Code::denied) return fail(std::move(passwords).error());
  if (passwords) options.password_of = std::move(*passwords);
  return manifests_for(invocation, project, options);
}

Result<kube::Manifests> manifests_for(const Invocation& invocation, const compose::Project& project,
                                      const kube::ManifestOptions& options,
                                      const std::map<std::string, unsigned>& scale) {
  const project::DesiredProject desired = TRY(project::desired_state(project, {.scale = scale, .shared_names = true}));
  std::vector<compose::Diagnostic> refusals;
  auto manifests = kube::make_manifests(project, desired, options, refusals);
  if (!refusals.empty()) {
    print_diagnostics(invocation.terminal, refusals);
    return fail(Error(Code::invalid));  // has been reported already
  }
  if (!manifests) return manifests;
  if (invocation.has_warned) return manifests;
  WarningPrinter warnings(invocation.terminal);
  for (const compose::Diagnostic& each : manifests->notes) warnings.print(each);
  return manifests;
}

}  // namespace consort::cli

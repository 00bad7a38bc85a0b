// up and scale on a cluster: build and push images, apply objects, forward ports and show logs.
#include <cstdlib>
#include <set>

#include "base/os/sockets/inet_address.hpp"
#include "cli/commands/cluster/cluster.hpp"
#include "cli/commands/cluster/cluster_images.hpp"
#include "cli/commands/cluster/cluster_registry.hpp"
#include "cli/commands/cluster/forward_record.hpp"
#include "cli/commands/project/selection.hpp"
#include "cli/render/log_printer.hpp"
#include "cli/seal.hpp"
#include "cli/workspace.hpp"
#include "kube/forward.hpp"
#include "kube/passwords.hpp"
#include "kube/verbs.hpp"
#include "kube/wait_image.hpp"
#include "place/place.hpp"

namespace consort::cli {

namespace {

// The project as selected on the command line.
Result<compose::Project> selected(const Invocation& invocation, const compose::Project& whole,
                                  const std::vector<std::string>& services) {
  return compose::project_with_services(
      whole, services, invocation.flags.on("no-deps") ? compose::Dependencies::ignore : compose::Dependencies::include);
}

// With --no-deps, pods still wait for their existing dependencies as before; otherwise they would be recreated without
// need.
Result<> keep_dependencies(kube::Session& session, const compose::Project& whole, compose::Project& project) {
  std::set<std::string> there;
  for (const kube::Scaled& each : TRY(kube::scaled(session, {})))
    if (each.replicas > 0 || each.kind == "DaemonSet") there.insert(each.service);
  for (auto& [name, service] : project.services)
    for (const auto& [other, how] : whole.services.at(name).depends_on)
      if (there.contains(kube::object_name(other))) service.depends_on.emplace(other, how);
  return {};
}

std::vector<kube::Forward> forwards_of(const compose::Project& project, kube::Session& session) {
  std::vector<kube::Forward> all;
  for (const auto& [name, service] : project.services)
    for (const compose::Port& port : service.ports) {
      const std::size_t dash = port.published.find('-');
      const std::string first = port.published.substr(0, dash);
      const std::string last = dash == std::string::npos ? "" : port.published.substr(dash + 1);
      if (port.protocol == "udp" || port.protocol == "sctp") {
        session.progress.warn("port " + std::to_string(port.target) + "/" + port.protocol + " of service \"" + name +
                              "\" is not forwarded: the Kubernetes API only forwards TCP");
        continue;
      }
      all.push_back({.service = name,
                     .address = port.host_ip == "0.0.0.0" || port.host_ip == "::" ? "" : port.host_ip,
                     .here = static_cast<std::uint16_t>(std::strtoul(first.c_str(), nullptr, 10)),
                     .here_last = static_cast<std::uint16_t>(std::strtoul(last.c_str(), nullptr, 10)),
                     .there = static_cast<std::uint16_t>(port.target)});
    }
  return all;
}

// Ports that the file leaves open.
void tell_chosen(const std::vector<kube::Forward>& wanted, const std::vector<kube::Forward>& got) {
  for (std::size_t i = 0; i < got.size(); ++i)
    if (wanted[i].here == 0 || wanted[i].here_last != 0)
      print_err("Port " + std::to_string(got[i].there) + " of service \"" + got[i].service + "\" is at " +
                inet_text(got[i].address.empty() ? "127.0.0.1" : got[i].address, got[i].here) + "\n");
}

// Forwards ports and shows logs until the user interrupts; then stops everything, as on one machine.
Result<int> stay(Invocation& invocation, const ClusterTarget& target, ClusterWorkspace& workspace,
                 const compose::Project& project) {
  const ParsedFlags& flags = invocation.flags;
  kube::Session& session = workspace.session();
  const std::vector<kube::Forward> wanted = forwards_of(project, session);
  const auto forwards = TRY(kube::Forwards::start(session, wanted));
  tell_chosen(wanted, forwards->all());
  const auto record = ForwardRecord::write(session, forwards->all());
  if (!record) print_warning(invocation.terminal, "`port` will not know the ports: " + record.error().message());
  LogPrinter printer({.prefix = !flags.on("no-log-prefix"),
                      .colour = !flags.on("no-color") && invocation.terminal.colour_out(),
                      .timestamps = flags.on("timestamps")});
  TRY(kube::show_logs(session, invocation.arguments, {.tail = {}, .since = {}, .follow = true}, printer));
  print_err("Gracefully Stopping... press Ctrl+C again to force\n");
  const auto again = TRY(ClusterWorkspace::open(invocation, target, ClusterWorkspace::Need::file, project));
  TRY(kube::stop(again->session(), invocation.arguments));
  return 130;
}

// Options that depend on the cluster's version.
Result<kube::ManifestOptions> options_for(const compose::Project& project, const ClusterTarget& target) {
  kube::Cluster cluster = TRY(kube::find_cluster(target.context, process_environment()));
  const auto client = TRY(kube::Client::create(std::move(cluster), {}));
  kube::ManifestOptions options;
  if (!project.jobs.empty()) options.cron_job_version = TRY(kube::cron_job_version(*client));
  if (TRY(kube::minor_version(*client)) < kube::minor_with_sleeps) options.parting = kube::Parting::command;
  return options;
}

// Pods must not be recreated only because a registry is unreachable at the moment, so they keep their image.
Result<std::string> wait_image_or_former(kube::Session& session, Result<std::string> made) {
  if (made && !made->empty()) return made;
  if (!made && made.error().code() == Code::interrupted) return made;
  std::string former = TRY(kube::wait_image_there(session));
  if (!made && former.empty())
    session.progress.warn("pods will not wait for their dependencies without `up`: " + made.error().message());
  return former;
}

enum class Then : std::uint8_t { leave, stay };

Result<int> bring_up(Invocation& invocation, const ClusterTarget& target, const std::vector<std::string>& services,
                     const std::map<std::string, unsigned>& scale, Then then) {
  const ParsedFlags& flags = invocation.flags;
  const compose::Project whole = TRY(load_project(invocation, TRY(load_options(invocation, services))));
  compose::Project project = TRY(selected(invocation, whole, services));
  const std::string registry = TRY(registry_of(invocation, target));
  TRY(name_images(project, registry));
  // Attributes that a cluster does not support are reported before anything is built.
  kube::ManifestOptions options = TRY(options_for(project, target));
  kube::Manifests manifests = TRY(manifests_for(invocation, project, options, scale));
  const Build build = flags.on("no-build") ? Build::no : Build::yes;
  const bool rootless = place::is_needed(), waits = pods_wait(whole);
  const bool builds = builds_images(project) && !(build == Build::no && rootless);
  Result<std::string> wait_image = std::string();
  if (builds || (waits && !rootless)) {
    if (rootless)
      return fail(Error(Code::unsupported, "build images for the cluster without root")
                      .hint("`" + invocation.program + " build --push`, then up --no-build"));
    seal_program(invocation, Warned::yes);
    const auto here = TRY(Workspace::open(invocation, Need::engine));  // a pipe can be read only once
    here->session().project_name = project.name;
    here->session().project = project;
    if (builds) options.images = TRY(images_for_cluster(*here, build));
    if (waits) wait_image = wait_image_for_cluster(*here, registry);
    if (builds) remember_registry(invocation, target);
  }
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterWorkspace::Need::file, project));
  if (waits) options.wait_image = TRY(wait_image_or_former(workspace->session(), std::move(wait_image)));
  options.password_of = TRY(kube::passwords_for(workspace->session()));
  if (flags.on("no-deps")) TRY(keep_dependencies(workspace->session(), whole, project));
  std::vector<compose::Diagnostic> none;  // reported above
  manifests = TRY(kube::make_manifests(
      project, TRY(project::desired_state(project, {.scale = scale, .shared_names = true})), options, none));
  kube::UpOptions up;
  up.force = flags.on("force-conflicts") ? kube::Force::yes : kube::Force::no;
  up.wait = flags.on("wait") ? kube::Wait::healthy : kube::Wait::started;
  up.limit = std::chrono::seconds(TRY(wait_limit(flags)).value_or(0));
  up.remove_orphans = services.empty();
  TRY(kube::bring_up(workspace->session(), project, manifests, up));
  if (then == Then::leave || invocation.dry_run) return 0;
  return stay(invocation, target, *workspace, project);
}

}  // namespace

Result<int> cluster_up(Invocation& invocation, const ClusterTarget& target) {
  const Then then = invocation.flags.on("detach") || invocation.flags.on("wait") ? Then::leave : Then::stay;
  return bring_up(invocation, target, invocation.arguments, TRY(parse_scale(invocation.flags.list("scale"))), then);
}

Result<int> cluster_scale(Invocation& invocation, const ClusterTarget& target) {
  std::vector<std::string> services;
  for (const std::string& entry : invocation.arguments) services.push_back(entry.substr(0, entry.find('=')));
  return bring_up(invocation, target, services, TRY(parse_scale(invocation.arguments)), Then::leave);
}

Result<int> bring_up_on_cluster(Invocation& invocation, const ClusterTarget& target,
                                const std::vector<std::string>& services) {
  return bring_up(invocation, target, services, {}, Then::leave);
}

}  // namespace consort::cli

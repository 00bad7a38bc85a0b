// watch on a cluster.
#include "cli/commands/cluster/cluster.hpp"
#include "cli/commands/project/watch.hpp"
#include "cli/signals.hpp"
#include "kube/sync.hpp"
#include "project/verbs/watch.hpp"

namespace consort::cli {

Result<int> cluster_watch(Invocation& invocation, const ClusterTarget& target) {
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterWorkspace::Need::file));
  kube::Session& session = workspace->session();
  compose::Project project = TRY(kube::project_to_watch(*workspace->project()));
  if (!invocation.arguments.empty())
    project = TRY(compose::project_with_services(project, invocation.arguments, compose::Dependencies::include));
  const project::ReactOptions react = react_options(invocation);
  const auto apply = [&](const std::set<std::string>& services) -> Result<> {
    (void)TRY(bring_up_on_cluster(invocation, target, {services.begin(), services.end()}));
    return {};
  };
  // Before anything is started: nothing is started if the sources cannot be watched, and no change is missed during the
  // start.
  const auto watching =
      TRY(project::Watching::create(project, project::Rebuilds::allowed, react, [&](const project::WatchRules& rules) {
        return std::make_unique<kube::PodReactor>(session, rules, react, apply);
      }));
  if (!invocation.flags.on("no-up")) (void)TRY(bring_up_on_cluster(invocation, target, invocation.arguments));
  Result<> outcome = watching->run(session.cancel.user_fd());
  if (!outcome && outcome.error().code() != Code::interrupted) return fail(std::move(outcome).error());
  return interrupted_status;
}

}  // namespace consort::cli

// kill and rm on a cluster.
#include "base/strings.hpp"
#include "cli/commands/cluster/cluster.hpp"
#include "cli/render/confirm.hpp"
#include "kube/verbs.hpp"
#include "project/exec/listening.hpp"

namespace consort::cli {

Result<int> cluster_kill(Invocation& invocation, const ClusterTarget& target) {
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterWorkspace::Need::name));
  if (invocation.dry_run) return 0;
  TRY(kube::kill(workspace->session(), invocation.arguments, invocation.flags.text("signal")));
  return 0;
}

Result<int> cluster_rm(Invocation& invocation, const ClusterTarget& target) {
  const auto workspace = TRY(ClusterWorkspace::open(invocation, target, ClusterWorkspace::Need::name));
  kube::Session& session = workspace->session();
  if (invocation.flags.on("stop") && !invocation.dry_run) TRY(kube::stop(session, invocation.arguments));
  const std::vector<kube::Ended> those = TRY(kube::ended(session, invocation.arguments));
  if (those.empty()) {
    print_err("No stopped containers\n");
    return 0;
  }
  std::vector<std::string> names;
  for (const kube::Ended& each : those) names.push_back(each.id);
  const std::string question = "Going to remove " + join(names, ", ");
  if (invocation.flags.on("force") || invocation.dry_run) {
    print_out(question + "\n");
  } else {
    const project::Listening listening;  // for the question: ends with the answer, or with the command
    workspace->release_interrupts();
    if (!confirm(invocation.terminal, "? " + question, Answer::no)) return 0;
  }
  TRY(kube::remove_ended(session, those));
  return 0;
}

}  // namespace consort::cli

// `--on kubernetes[:CONTEXT]`: the commands of a project, on a cluster.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "cli/invocation.hpp"
#include "compose/compose.hpp"
#include "kube/session.hpp"
#include "project/exec/listening.hpp"

namespace consort::cli {

// The cluster to act on, according to --on, CONSORT_ON or the file's `x-consort: {on: ...}`; nullopt: this machine.
// Always nullopt for commands that do not concern a project.
struct ClusterTarget {
  std::string context;  // "": the current context
};
Result<std::optional<ClusterTarget>> cluster_target(const Invocation& invocation);

Result<int> run_on_cluster(Invocation& invocation, const ClusterTarget& target);
// The commands that act there, or say why they cannot.
std::vector<std::string_view> cluster_commands();

// A project on a cluster, opened for a command.
class ClusterWorkspace {
 public:
  enum class Need : std::uint8_t { file, name };
  // project: if it has already been loaded.
  static Result<std::unique_ptr<ClusterWorkspace>> open(const Invocation& invocation, const ClusterTarget& target,
                                                        Need need, std::optional<compose::Project> project = {});

  kube::Session& session() { return *session_; }
  const compose::Project* project() const { return project_ ? &*project_ : nullptr; }
  int interrupt_fd() const { return interrupt_fd_; }
  // From here on, the command handles interrupts itself.
  void release_interrupts() { on_interrupt_.reset(); }

 private:
  ClusterWorkspace() = default;
  int interrupt_fd_ = -1;
  std::optional<compose::Project> project_;
  std::optional<project::Cancellation> cancel_;
  std::unique_ptr<project::OnInterrupt> on_interrupt_;
  std::unique_ptr<project::Progress> progress_;
  std::unique_ptr<kube::Client> client_;
  std::unique_ptr<kube::Session> session_;
};

using ClusterVerb = Result<int> (*)(Invocation&, const ClusterTarget&);
// cluster_up.cpp
Result<int> cluster_up(Invocation& invocation, const ClusterTarget& target);
Result<int> cluster_scale(Invocation& invocation, const ClusterTarget& target);
// cluster_look.cpp
Result<int> cluster_ps(Invocation& invocation, const ClusterTarget& target);
Result<int> cluster_ls(Invocation& invocation, const ClusterTarget& target);
Result<int> cluster_logs(Invocation& invocation, const ClusterTarget& target);
// Starts the services and what they need, without following their output.
Result<int> bring_up_on_cluster(Invocation& invocation, const ClusterTarget& target,
                                const std::vector<std::string>& services);
// cluster_exec.cpp
Result<int> cluster_attach(Invocation& invocation, const ClusterTarget& target);
Result<int> cluster_exec(Invocation& invocation, const ClusterTarget& target);
// Connects our terminal to that of a remote process until the process has ended; returns its exit code. Puts our
// terminal into raw mode meanwhile.
Result<int> relay_terminal(kube::Channels& channels, const project::Cancellation& cancel);
// cluster_end.cpp
Result<int> cluster_kill(Invocation& invocation, const ClusterTarget& target);
Result<int> cluster_rm(Invocation& invocation, const ClusterTarget& target);
// cluster_watch.cpp
Result<int> cluster_watch(Invocation& invocation, const ClusterTarget& target);
// cluster_run.cpp
Result<int> cluster_run(Invocation& invocation, const ClusterTarget& target);
// cluster_cp.cpp
Result<int> cluster_cp(Invocation& invocation, const ClusterTarget& target);
Result<int> cluster_volume_export(Invocation& invocation, const ClusterTarget& target);
Result<int> cluster_volume_import(Invocation& invocation, const ClusterTarget& target);
// cluster_observe.cpp
Result<int> cluster_top(Invocation& invocation, const ClusterTarget& target);
Result<int> cluster_stats(Invocation& invocation, const ClusterTarget& target);
Result<int> cluster_images(Invocation& invocation, const ClusterTarget& target);
Result<int> cluster_port(Invocation& invocation, const ClusterTarget& target);
Result<int> cluster_events(Invocation& invocation, const ClusterTarget& target);
Result<int> cluster_volumes(Invocation& invocation, const ClusterTarget& target);
Result<int> cluster_wait(Invocation& invocation, const ClusterTarget& target);
// Manifests for pods other than those of services, from the file. Images that are built locally are referenced as
// already deployed in the cluster.
Result<kube::Manifests> manifests_of_running(const Invocation& invocation, ClusterWorkspace& workspace);

// Prints refused settings as errors and those that are left out as warnings.
Result<kube::Manifests> manifests_for(const Invocation& invocation, const compose::Project& project,
                                      const kube::ManifestOptions& options,
                                      const std::map<std::string, unsigned>& scale = {});

}  // namespace consort::cli

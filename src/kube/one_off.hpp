// Pods that do not belong to a service's workload: for `run`, and for access to claims that no pod mounts.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "kube/manifests.hpp"
#include "kube/pods.hpp"
#include "kube/session.hpp"

namespace consort::kube {

struct OneOff {
  std::string service;
  std::string name;                                 // the pod's; "": SERVICE-run-XXXXXXXX
  std::optional<std::vector<std::string>> command;  // instead of the service's
  std::optional<std::vector<std::string>> entrypoint;
  std::vector<std::pair<std::string, std::string>> environment;  // in addition to the service's
  std::string user, working_dir;
  bool tty = false;
  bool input = false;    // it receives the user's input
  bool passing = false;  // the next `up` or `run` removes it once it has ended
};
// Like the service's pods except for the given options, health checks and labels, so that it gets no requests. Pure.
// Code::not_found if the manifests have no such service.
Result<Object> one_off_pod(const Manifests& manifests, const OneOff& wish, const std::string& project);
// A pod of the service's image that only mounts a claim at `path`; Code::not_found if no service has the claim.
Result<Object> data_pod(const Manifests& manifests, const std::string& claim, const std::string& path,
                        const std::string& project);

// Creates the pod, and the ConfigMaps, Secrets and claims that it needs if they are missing. Waits until it runs or has
// ended. If it cannot start, it is removed again, and the error says why.
Result<PodState> start_one_off(Session& session, const Manifests& manifests, const Object& pod);
Result<int> wait_for_exit(Session& session, const std::string& pod);
Result<> remove_pod(Session& session, const std::string& pod);
// Removes the pods with `passing` that have ended.
Result<> remove_passed(Session& session);

enum class Attached : std::uint8_t {
  terminal,  // input and output
  input,     // input only: the output is the pod's log, from the first byte
  output,    // output only
  both,
};
Result<Channels> attach(Session& session, const PodState& pod, Attached to);
// The exit code of the container that ran when `pod` was read and that the caller was attached to, once its streams
// have ended. Code::lost if it is still running.
Result<int> exit_code_after(Session& session, const PodState& pod);
// Follows the log to its end.
Result<> follow_log(Session& session, const PodState& pod, const std::function<Next(std::string_view bytes)>& out);

}  // namespace consort::kube

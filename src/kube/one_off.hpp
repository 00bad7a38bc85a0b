// Pods beside those of the services: for `run`, and for data that nobody else has mounted.
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
  std::string name;                                 // of the pod; "": SERVICE-run-XXXXXXXX
  std::optional<std::vector<std::string>> command;  // instead of the service's
  std::optional<std::vector<std::string>> entrypoint;
  std::vector<std::pair<std::string, std::string>> environment;  // beside the service's
  std::string user, working_dir;
  bool tty = false;
  bool input = false;    // it gets what is typed
  bool passing = false;  // the next `up` or `run` removes it once it has ended
};
// As the service's pods are, but for what the wish says, health checks, and its name: no request comes here. Pure.
// Code::not_found if the manifests have no such service.
Result<Object> one_off_pod(const Manifests& manifests, const OneOff& wish, const std::string& project);
// A pod of the service's image that does nothing but to have a claim at `path`; Code::not_found if no service has it.
Result<Object> data_pod(const Manifests& manifests, const std::string& claim, const std::string& path,
                        const std::string& project);

// Makes it, and what it refers to (ConfigMaps, Secrets, claims) if that is not there. Waits until it runs or has ended;
// why it does not is an error, and then it is gone again.
Result<PodState> start_one_off(Session& session, const Manifests& manifests, const Object& pod);
Result<int> wait_for_exit(Session& session, const std::string& pod);
Result<> remove_pod(Session& session, const std::string& pod);
// Those that were made to be passing, and have ended.
Result<> remove_passed(Session& session);

enum class Attached : std::uint8_t {
  terminal,  // all of it
  input,     // alone: what the pod writes is then its log, from the first byte
  output,    // alone
  both,
};
Result<Channels> attach(Session& session, const PodState& pod, Attached to);
// What the container has ended with that ran when `pod` was seen, and that one was attached to: its streams have ended.
// Code::lost if it runs on all the same.
Result<int> exit_code_after(Session& session, const PodState& pod);
// Follows to the end.
Result<> follow_log(Session& session, const PodState& pod, const std::function<Next(std::string_view bytes)>& out);

}  // namespace consort::kube

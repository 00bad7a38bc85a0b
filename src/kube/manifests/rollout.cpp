// Rollouts without lost requests: a pod gets requests only once it listens, and none after it begins to end.
#include <algorithm>
#include <limits>

#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

// The time that every node needs to learn that a pod is ending, after which it opens no new connections to it. A node
// is informed at once, but updates its rules at most once a second, and a busy one takes several seconds.
constexpr std::int64_t parting_seconds = 5;

bool is_tcp(const Json& port) {
  return get_string(port, "protocol") == "TCP";
}

// A service without a health check counts as ready when it listens. The probe connects once a second until then and
// never again, because some servers count connections that send nothing. With several ports, it is not known which of
// them are always open.
void await_listening(const Json& ports, Parting cluster, Pod& pod) {
  if (pod.container.contains("readinessProbe") || std::ranges::count_if(ports, is_tcp) != 1) return;
  const auto port = std::ranges::find_if(ports, is_tcp);
  Json probe{{"tcpSocket", Json{{"port", port->at("containerPort")}}}};
  if (cluster == Parting::command) {
    // On old clusters, a node reports a pod as ready up to a minute after its startup probe has succeeded.
    probe["periodSeconds"] = 2;
    pod.container["readinessProbe"] = std::move(probe);
    return;
  }
  probe["periodSeconds"] = 1;
  // A startup probe kills after too many failures, so it is given practically infinitely many.
  probe["failureThreshold"] = std::numeric_limits<std::int32_t>::max();
  pod.container["startupProbe"] = std::move(probe);
}

Json pause_of(Parting parting) {
  if (parting == Parting::action) return Json{{"sleep", Json{{"seconds", parting_seconds}}}};
  // A pod whose image lacks `sleep` ends at once, as it would without this hook.
  return Json{{"exec", Json{{"command", Json::array({"sleep", std::to_string(parting_seconds)})}}}};
}

}  // namespace

void add_rollout(const Scope& scope, const project::DesiredService& service, Pod& pod) {
  const Json* ports = find_key(pod.container, "ports");
  if (!ports) return;  // no clients are known
  await_listening(*ports, scope.options.parting, pod);
  if (!service.pre_stop.empty()) return;
  pod.container["lifecycle"]["preStop"] = pause_of(scope.options.parting);
  Json& grace = pod.spec["terminationGracePeriodSeconds"];
  grace = grace.get<std::int64_t>() + parting_seconds;
}

}  // namespace consort::kube

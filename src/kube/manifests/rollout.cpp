// What makes a change lose no request: a pod gets its first one only when it listens, and none any more before it ends.
#include <algorithm>
#include <limits>

#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

// Until every node knows that a pod is going away, and opens no new connection to it. A node hears it at once, but
// updates its rules at most once a second, and a busy one takes seconds to do so.
constexpr std::int64_t parting_seconds = 5;

bool is_tcp(const Json& port) {
  return get_string(port, "protocol") == "TCP";
}

// A service without a health check is ready when it listens. One connection a second until then, and none after that:
// some servers count connections that send nothing. With several ports nobody knows which are always open.
void await_listening(const Json& ports, Parting cluster, Pod& pod) {
  if (pod.container.contains("readinessProbe") || std::ranges::count_if(ports, is_tcp) != 1) return;
  const auto port = std::ranges::find_if(ports, is_tcp);
  Json probe{{"tcpSocket", Json{{"port", port->at("containerPort")}}}};
  if (cluster == Parting::command) {
    // Nodes of old clusters report a pod as ready up to a minute after its startup probe has succeeded.
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
  // An image without that program ends at once, as it would without any of this.
  return Json{{"exec", Json{{"command", Json::array({"sleep", std::to_string(parting_seconds)})}}}};
}

}  // namespace

void add_rollout(const Scope& scope, const project::DesiredService& service, Pod& pod) {
  const Json* ports = find_key(pod.container, "ports");
  if (!ports) return;  // nobody is known to come
  await_listening(*ports, scope.options.parting, pod);
  if (!service.pre_stop.empty()) return;
  pod.container["lifecycle"]["preStop"] = pause_of(scope.options.parting);
  Json& grace = pod.spec["terminationGracePeriodSeconds"];
  grace = grace.get<std::int64_t>() + parting_seconds;
}

}  // namespace consort::kube

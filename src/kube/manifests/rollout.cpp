// What lets a change lose no request: a pod gets its first one when it listens, and none any more before it ends.
#include <algorithm>
#include <limits>

#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

// Until every node has heard that a pod goes, and opens no new connection to it. A node hears it at once, but renews
// its rules no more than once a second, and a busy one takes seconds to do so.
constexpr std::int64_t parting_seconds = 5;

bool is_tcp(const Json& port) {
  return get_string(port, "protocol") == "TCP";
}

// Who has no health check is ready when he listens. A connection a second until then, and none after that: servers
// count those that say nothing. With several ports nobody knows which of them are always open.
void await_listening(const Json& ports, Parting cluster, Pod& pod) {
  if (pod.container.contains("readinessProbe") || std::ranges::count_if(ports, is_tcp) != 1) return;
  const auto port = std::ranges::find_if(ports, is_tcp);
  Json probe{{"tcpSocket", Json{{"port", port->at("containerPort")}}}};
  if (cluster == Parting::command) {
    // Nodes of old clusters call a pod ready up to a minute after its startup probe has succeeded.
    probe["periodSeconds"] = 2;
    pod.container["readinessProbe"] = std::move(probe);
    return;
  }
  probe["periodSeconds"] = 1;
  // It kills what fails too often, so it never has failed often enough.
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

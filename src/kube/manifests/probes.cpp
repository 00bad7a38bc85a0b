// A health check as probes, with Compose's meaning: an unhealthy container gets no requests, but is not killed.
#include <algorithm>
#include <limits>

#include "kube/manifests/parts.hpp"

namespace consort::kube {

namespace {

constexpr compose::Duration default_interval = std::chrono::seconds(30);
constexpr compose::Duration default_timeout = std::chrono::seconds(30);
constexpr std::uint64_t default_retries = 3;
constexpr compose::Duration eager = std::chrono::seconds(1);

// Whole seconds, at least one.
std::int64_t seconds(compose::Duration duration) {
  return std::max<std::int64_t>(1, std::chrono::ceil<std::chrono::seconds>(duration).count());
}

Json command_of(const compose::Strings& test) {
  Json command = Json::array();
  if (test.front() == "CMD-SHELL") {
    command = {"/bin/sh", "-c", test.size() > 1 ? test[1] : ""};
  } else {
    for (std::size_t i = 1; i < test.size(); ++i) command.push_back(test[i]);
  }
  return command;
}

Json probe(const compose::HealthCheck& health, compose::Duration period, std::uint64_t failures) {
  return Json{{"exec", Json{{"command", command_of(health.test)}}},
              {"periodSeconds", seconds(period)},
              {"timeoutSeconds", seconds(health.timeout.value_or(default_timeout))},
              {"failureThreshold", failures}};
}

// Before a service listens, a successful check may be misleading: while a database image creates its files, it runs a
// temporary server that also answers `pg_isready`. So services that listen are not checked more often than the file
// says.
bool may_be_asked_eagerly(const project::DesiredService& service, const compose::HealthCheck& health) {
  return health.start_interval || (service.ports.empty() && service.container.expose.empty());
}

// nullptr if the service has none.
const compose::HealthCheck* check_of(const project::DesiredService& service) {
  const auto& health = service.health;
  if (!health || health->disable || health->test.empty() || health->test.front() == "NONE") return nullptr;
  return &*health;
}

}  // namespace

bool is_checked(const project::DesiredService& service) {
  return check_of(service) != nullptr;
}

std::chrono::seconds unhealthy_after(const project::DesiredService& service) {
  const compose::HealthCheck* check = check_of(service);
  if (!check) return {};
  const compose::HealthCheck& health = *check;
  const compose::Duration each = health.interval.value_or(default_interval) + health.timeout.value_or(default_timeout);
  // One more than `retries`, because the first check may come at once.
  const auto tries = static_cast<std::int64_t>(health.retries.value_or(default_retries)) + 1;
  return std::chrono::ceil<std::chrono::seconds>(health.start_period.value_or(compose::Duration{}) + each * tries);
}

void add_probes(const project::DesiredService& service, Pod& pod) {
  const compose::HealthCheck* health = check_of(service);
  if (!health) return;
  pod.container["readinessProbe"] =
      probe(*health, health->interval.value_or(default_interval), health->retries.value_or(default_retries));
  // A startup probe kills after too many failures, so it is given practically infinitely many.
  if (may_be_asked_eagerly(service, *health))
    pod.container["startupProbe"] =
        probe(*health, health->start_interval.value_or(eager), std::numeric_limits<std::int32_t>::max());
}

}  // namespace consort::kube

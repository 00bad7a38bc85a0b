// Start, stop and restart of a container.
#include <algorithm>

#include "base/strings.hpp"
#include "base/time.hpp"
#include "units/podman/parts.hpp"

namespace consort::units {

namespace {

using namespace std::chrono;
using project::RestartWhen;

// Extra time for pulling the image, as long as in Docker's own units.
constexpr seconds longest_pull = minutes(15);
constexpr seconds stop_time = seconds(10);  // for containers, if the file does not set it
constexpr seconds systemd_stop_time = seconds(90);

seconds seconds_of(const std::optional<compose::Duration>& value, seconds missing) {
  return value ? ceil<seconds>(*value) : missing;
}

// The time until Compose would report it as unhealthy, plus the time for the pull.
seconds longest_start(const project::DesiredService& service) {
  const compose::HealthCheck health = service.health.value_or(compose::HealthCheck{});
  const seconds round = seconds_of(health.interval, seconds(30)) + seconds_of(health.timeout, seconds(30));
  const auto rounds = static_cast<std::int64_t>(std::min<std::uint64_t>(health.retries.value_or(3), 1000));
  return longest_pull + seconds_of(health.start_period, seconds(0)) + round * rounds;
}

void add_order(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit) {
  for (const auto& [name, dependency] : service.dependencies) {
    const auto known = scope.project.services.find(name);
    if (known == scope.project.services.end() || known->second.provider) continue;  // has no unit
    const std::string other = scope.unit(name) + ".service";
    if (std::ranges::find(unit.shares, other) != unit.shares.end()) continue;
    if (std::ranges::find(unit.needs, other) != unit.needs.end()) continue;
    (dependency.required ? unit.needs : unit.likes).push_back(other);
  }
}

void add_restart(const compose::Service& file, const project::DesiredService& service, ContainerUnit& unit) {
  const RestartWhen when = service.restart.when;
  if (when == RestartWhen::never) return;
  const bool only_failures = when == RestartWhen::on_failure || unit.ends;  // systemd does not restart completed units
  unit.service.emplace_back("Restart", only_failures ? "on-failure" : "always");
  if (service.restart.most_times) unit.start_limit = std::to_string(service.restart.most_times + 1);
  if (!file.deploy || !file.deploy->restart_policy || !file.deploy->restart_policy->delay) return;
  unit.service.emplace_back("RestartSec", format_duration(*file.deploy->restart_policy->delay));
}

std::string command_of(const ContainerUnit& unit, const compose::Hook& hook) {
  std::vector<std::string> words{"/usr/bin/podman", "exec"};
  if (!hook.user.empty()) words.push_back(command_word("--user=" + hook.user));
  if (hook.privileged) words.emplace_back("--privileged");
  if (!hook.working_dir.empty()) words.push_back(command_word("--workdir=" + hook.working_dir));
  for (const auto& [name, value] : hook.environment)
    if (value) words.push_back(command_word("--env=" + name + "=" + *value));
  words.push_back(command_word(unit.container));
  for (const std::string& word : hook.command.value_or(compose::Strings{})) words.push_back(command_word(word));
  return command_lines(words);
}

}  // namespace

void add_life(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit) {
  const compose::Service& file = file_of(scope, service);
  add_order(scope, service, unit);
  unit.awaited = scope.awaited_health.contains(service.name);
  if (unit.ends) unit.service.emplace_back("Type", "oneshot");
  if (unit.stays) unit.service.emplace_back("RemainAfterExit", "yes");
  add_restart(file, service, unit);
  // The start of a container that runs to completion is not limited.
  unit.service.emplace_back("TimeoutStartSec", unit.ends ? "infinity" : std::to_string(longest_start(service).count()));
  const auto& grace = service.container.stop_grace_period;
  if (grace) unit.text("StopTimeout", "--stop-timeout", std::to_string(seconds_of(grace, stop_time).count()));
  if (seconds_of(grace, stop_time) + seconds(30) > systemd_stop_time)
    unit.service.emplace_back("TimeoutStopSec", std::to_string((seconds_of(grace, stop_time) + seconds(30)).count()));
  for (const compose::Hook& hook : service.post_start) unit.after_start.push_back(command_of(unit, hook));
  for (const compose::Hook& hook : service.pre_stop) unit.before_stop.push_back("-" + command_of(unit, hook));
}

}  // namespace consort::units

#include "engine/state_text.hpp"

#include <algorithm>
#include <set>

#include "base/strings.hpp"
#include "base/time.hpp"

namespace consort::engine {

namespace {

std::string ago(const std::optional<SystemTime>& time, SystemTime now) {
  return time ? human_duration(now - *time) + " ago" : "some time ago";
}

std::string log_text(const LogTrouble& log) {
  if (!log.any()) return {};
  return log.lost_bytes > 0 ? " (log: " + human_bytes_decimal(log.lost_bytes) + " lost)" : " (log: not rotated)";
}

std::string lost_text(const std::vector<LostPort>& ports) {
  std::set<std::string> names;
  for (const LostPort& lost : ports) names.insert(std::to_string(lost.port.host_port) + "/" + lost.port.protocol);
  if (names.empty()) return {};
  return (names.size() == 1 ? " (port not served: " : " (ports not served: ") +
         join(std::vector<std::string>(names.begin(), names.end()), ", ") + ")";
}

std::string code_text(const ContainerState& state) {
  return state.exit_code ? std::to_string(*state.exit_code) : "unknown";
}

}  // namespace

int shown_exit_code(const ContainerState& state) {
  constexpr int unseen = 255;
  if (state.has_process()) return 0;
  return state.exit_code.value_or(state.started_at ? unseen : 0);
}

std::string status_text(const ContainerState& state, SystemTime now) {
  switch (state.status) {
    case Status::created:
      return "Created";
    case Status::removing:
      return "Removal In Progress";
    case Status::dead:
      return "Dead";
    case Status::exited:
      return "Exited (" + code_text(state) + ") " + ago(state.finished_at, now);
    case Status::restarting:
      return "Restarting (" + code_text(state) + ") " + ago(state.finished_at, now);
    case Status::running:
    case Status::paused:
      break;
  }
  std::string text = "Up " + (state.started_at ? human_duration(now - *state.started_at) : std::string("some time"));
  if (state.status == Status::paused) return text + " (Paused)";
  switch (state.health.status) {
    case HealthStatus::none:
      break;
    case HealthStatus::starting:
      text += " (health: starting)";
      break;
    case HealthStatus::healthy:
      text += " (healthy)";
      break;
    case HealthStatus::unhealthy:
      text += " (unhealthy)";
      break;
  }
  return text + log_text(state.log) + lost_text(state.lost_ports);
}

std::string command_line(const Strings& command) {
  std::string line;
  for (std::size_t i = 0; i < command.size(); ++i) {
    const bool quote = i > 0 && command[i].contains(' ');
    line += (i > 0 ? " " : "") + (quote ? "'" + command[i] + "'" : command[i]);
  }
  return line;
}

const Strings& shown_exposed(const Container& container) {
  static const Strings nothing;
  const bool bridged = std::ranges::any_of(container.networks, &Endpoint::bridged);
  return container.state.running() && bridged ? container.exposed : nothing;
}

}  // namespace consort::engine

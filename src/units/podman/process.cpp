// The process of a container, its privileges, and its health check.
#include <algorithm>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "units/podman/parts.hpp"

namespace consort::units {

namespace {

std::string json_list(const compose::Strings& words) {
  Json list = Json::array();
  for (const std::string& word : words) list.push_back(word);
  return dump_json(list);
}

// Text that Podman would split at spaces or interpret itself must be a JSON list.
std::string shell_command(const std::string& text) {
  const std::string first = text.substr(0, text.find_first_of(" \t\n"));
  const bool own_word = first == "CMD" || first == "CMD-SHELL" || to_upper(first) == "NONE";
  const bool split = text.find("  ") != std::string::npos || text.find_first_of("\t\n") != std::string::npos;
  return text.starts_with('[') || text.starts_with('"') || own_word || split ? json_list({text}) : text;
}

std::string health_command(const compose::HealthCheck& health) {
  if (health.test.size() == 2 && health.test[0] == "CMD-SHELL") return shell_command(health.test[1]);
  compose::Strings words(health.test.begin() + 1, health.test.end());
  // Podman would pass a single word to a shell.
  return words.size() == 1 ? json_list({shell_quote(words[0])}) : json_list(words);
}

// Translates Docker's options that Podman names differently.
std::string security_option(const std::string& option) {
  if (option == "systempaths=unconfined" || option == "systempaths:unconfined") return "unmask=ALL";
  if (option == "no-new-privileges:true" || option == "no-new-privileges=true") return "no-new-privileges";
  std::string made = option;
  const std::size_t at = made.find_first_of(":=");
  if (at != std::string::npos) made[at] = '=';
  return made;
}

}  // namespace

void add_process(const project::DesiredService& service, ContainerUnit& unit) {
  const compose::Service& own = service.container;
  if (own.entrypoint && own.entrypoint->size() == 1) {
    unit.text("Entrypoint", "--entrypoint", own.entrypoint->front());
  } else if (own.entrypoint) {
    unit.text("Entrypoint", "--entrypoint", own.entrypoint->empty() ? "" : json_list(*own.entrypoint));
  }
  if (own.command) unit.command = *own.command;
  if (!own.working_dir.empty()) unit.text("WorkingDir", "--workdir", own.working_dir);
  if (own.init.value_or(false)) unit.on("RunInit", "--init");
  if (own.stdin_open) unit.on("", "--interactive");
  if (own.tty) unit.on("", "--tty");
  if (!own.stop_signal.empty()) unit.text("", "--stop-signal", own.stop_signal);
  for (const auto& [name, value] : own.labels) unit.word("Label", "--label", name + "=" + value);
  for (const auto& [name, value] : own.annotations) unit.word("Annotation", "--annotation", name + "=" + value);
  if (!service.image.platform.empty()) unit.text("", "--platform", service.image.platform);
  const std::string& pull = service.image.pull_policy;
  if (pull == "always" || pull == "never" || pull == "missing") unit.text("Pull", "--pull", pull);
  if (pull == "if_not_present") unit.text("Pull", "--pull", "missing");
  if (!own.runtime.empty()) unit.global = "--runtime=" + own.runtime;
  if (const auto& logging = own.logging) {
    for (const std::string_view known : {"json-file", "k8s-file", "journald", "none", "passthrough"})
      if (logging->driver == known) unit.text("LogDriver", "--log-driver", logging->driver);
    const auto size = logging->options.find("max-size");
    if (size != logging->options.end()) unit.text("", "--log-opt", "max-size=" + size->second);
  }
}

void add_security(const Scope& scope, const project::DesiredService& service, ContainerUnit& unit) {
  const compose::Service& own = service.container;
  if (own.privileged) unit.on("", "--privileged");
  if (own.read_only) unit.on("ReadOnly", "--read-only");
  if (!own.user.empty()) {
    const std::size_t colon = own.user.find(':');
    if (colon == std::string::npos || !scope.is_quadlet()) {
      unit.text("User", "--user", own.user);
    } else {
      unit.text("User", "--user", own.user.substr(0, colon));
      unit.text("Group", "", own.user.substr(colon + 1));
    }
  }
  for (const std::string& group : own.group_add) unit.text("GroupAdd", "--group-add", group);
  for (const std::string& name : own.cap_add) unit.text("AddCapability", "--cap-add", name);
  for (const std::string& name : own.cap_drop) unit.text("DropCapability", "--cap-drop", name);
  for (const std::string& each : own.security_opt) {
    const std::string option = security_option(each);
    if (option == "no-new-privileges") {
      unit.on("NoNewPrivileges", "--security-opt=no-new-privileges");
    } else {
      unit.text("", "--security-opt", option);
    }
  }
  for (const auto& [name, value] : own.sysctls) unit.word("Sysctl", "--sysctl", name + "=" + value);
  const auto share = [&](const std::string& mode, const char* flag) {
    if (mode.empty()) return;
    constexpr std::string_view of_service = "service:";
    if (!mode.starts_with(of_service)) return unit.text("", flag, mode);
    const std::string other = mode.substr(of_service.size());
    unit.text("", flag, "container:" + container_of(scope, other));
    unit.shares.push_back(scope.unit(other) + ".service");
  };
  share(own.ipc, "--ipc");
  share(own.pid, "--pid");
  if (!own.uts.empty()) unit.text("", "--uts", own.uts);
  if (!own.cgroup.empty()) unit.text("", "--cgroupns", own.cgroup);
  if (!own.userns_mode.empty()) unit.text("UserNS", "--userns", own.userns_mode);
}

void add_health(const project::DesiredService& service, ContainerUnit& unit) {
  if (!service.health) return;
  const compose::HealthCheck& health = *service.health;
  if (health.disable || (!health.test.empty() && health.test[0] == "NONE"))
    return unit.text("HealthCmd", "--health-cmd", "none");
  if (health.test.size() > 1) unit.text("HealthCmd", "--health-cmd", health_command(health));
  const auto time = [&](const char* key, const char* flag, const std::optional<compose::Duration>& value) {
    if (value) unit.text(key, flag, format_duration(*value));
  };
  time("HealthInterval", "--health-interval", health.interval);
  time("HealthTimeout", "--health-timeout", health.timeout);
  time("HealthStartPeriod", "--health-start-period", health.start_period);
  if (health.retries) unit.text("HealthRetries", "--health-retries", std::to_string(*health.retries));
}

}  // namespace consort::units

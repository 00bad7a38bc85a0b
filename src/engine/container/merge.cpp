#include "engine/container/merge.hpp"

#include <algorithm>
#include <set>

#include "image/config.hpp"

namespace consort::engine {

namespace {

std::string key_of(const std::string& entry) {
  return entry.substr(0, entry.find('='));
}

// `entrypoint: ""` arrives as a list whose only element is empty.
bool is_empty(const Strings& words) {
  return words.empty() || (words.size() == 1 && words.front().empty());
}

struct Command {
  Strings entrypoint;
  Strings command;
};

Command merge_command(const ContainerSpec& spec, const image::ImageConfig& image) {
  Command merged;
  if (spec.command) merged.command = *spec.command;  // of one empty word: that is what shall run
  if (spec.entrypoint && !is_empty(*spec.entrypoint)) {
    merged.entrypoint = *spec.entrypoint;  // and the image's command does not belong to it
    return merged;
  }
  if (merged.command.empty()) merged.command = image.cmd;
  if (!spec.entrypoint) merged.entrypoint = image.entrypoint;
  return merged;
}

Strings exposed_ports(const ContainerSpec& spec, const image::ImageConfig& image) {
  std::set<std::string> exposed(image.exposed_ports.begin(), image.exposed_ports.end());
  for (const std::string& port : spec.expose) exposed.insert(port.contains('/') ? port : port + "/tcp");
  for (const PortBinding& port : spec.ports) exposed.insert(std::to_string(port.container_port) + "/" + port.protocol);
  return {exposed.begin(), exposed.end()};
}

std::optional<HealthSpec> health_of(const std::optional<image::Healthcheck>& check) {
  if (!check) return std::nullopt;
  HealthSpec spec;
  if (!check->test.empty()) spec.test = check->test;
  if (check->interval.count()) spec.interval = check->interval;
  if (check->timeout.count()) spec.timeout = check->timeout;
  if (check->start_period.count()) spec.start_period = check->start_period;
  if (check->start_interval.count()) spec.start_interval = check->start_interval;
  if (check->retries > 0) spec.retries = static_cast<unsigned>(check->retries);
  return spec;
}

std::string or_else(const std::string& value, const std::string& fallback) {
  return value.empty() ? fallback : value;
}

}  // namespace

Strings merge_environment(const Strings& own, const Strings& base) {
  std::set<std::string> seen;
  Strings merged;
  for (const std::string& entry : own) {
    // If given twice, the later one counts.
    if (!seen.insert(key_of(entry)).second)
      std::erase_if(merged, [&](const std::string& other) { return key_of(other) == key_of(entry); });
    if (entry.contains('=')) merged.push_back(entry);
  }
  for (const std::string& entry : base)
    if (seen.insert(key_of(entry)).second) merged.push_back(entry);
  return merged;
}

std::optional<std::string> environment_value(const Strings& environment, std::string_view key) {
  for (const std::string& entry : environment)
    if (entry.size() > key.size() && entry.starts_with(key) && entry[key.size()] == '=')
      return entry.substr(key.size() + 1);
  return std::nullopt;
}

std::optional<HealthSpec> merge_health(const std::optional<HealthSpec>& own, const std::optional<HealthSpec>& image) {
  HealthSpec merged = own.value_or(HealthSpec{});
  const HealthSpec below = image.value_or(HealthSpec{});
  if (!merged.test || merged.test->empty()) merged.test = below.test;
  if (!merged.test || merged.test->empty() || merged.test->front() == "NONE" || merged.test->front().empty())
    return std::nullopt;
  const auto fill = [](auto& value, const auto& inherited, auto fallback) {
    using Value = typename std::remove_reference_t<decltype(value)>::value_type;
    if (!value || *value == Value{}) value = inherited;
    if (!value || *value == Value{}) value = fallback;
  };
  using std::chrono::seconds;
  fill(merged.interval, below.interval, seconds(30));
  fill(merged.timeout, below.timeout, seconds(30));
  fill(merged.start_period, below.start_period, seconds(0));
  fill(merged.start_interval, below.start_interval, seconds(5));
  fill(merged.retries, below.retries, 3U);
  return merged;
}

Strings health_argv(const Strings& test, const Strings& shell) {
  if (test.size() < 2) return {};
  if (test[0] == "CMD") return {test.begin() + 1, test.end()};
  if (test[0] != "CMD-SHELL") return {};
  Strings argv = shell.empty() ? Strings{"/bin/sh", "-c"} : shell;
  argv.push_back(test[1]);
  return argv;
}

Result<ProcessConfig> merge_config(const ContainerSpec& spec, const image::ImageConfig& image) {
  ProcessConfig process;
  Command command = merge_command(spec, image);
  process.argv = command.entrypoint;
  process.argv.insert(process.argv.end(), command.command.begin(), command.command.end());
  process.entrypoint = std::move(command.entrypoint);
  process.command = std::move(command.command);
  if (process.argv.empty()) {
    return fail(Error(Code::invalid, "no command specified")
                    .hint("neither the image nor the service defines what to run: set `command` or `entrypoint`"));
  }
  process.path = process.argv.front();
  process.environment = merge_environment(spec.environment, image.env);
  process.working_dir = or_else(or_else(spec.working_dir, image.working_dir), "/");
  if (!process.working_dir.starts_with('/')) {
    return fail(Error(Code::invalid,
                      "the working directory '" + process.working_dir + "' is invalid, it needs to be an absolute path")
                    .about(Subject::working_directory, process.working_dir));
  }
  process.user = or_else(spec.user, image.user);
  process.labels = image.labels;
  for (const auto& [key, value] : spec.labels) process.labels[key] = value;
  process.exposed = exposed_ports(spec, image);
  process.volumes = image.volumes;
  process.stop_signal = or_else(or_else(spec.stop_signal, image.stop_signal), "SIGTERM");
  process.health = merge_health(spec.health, health_of(image.healthcheck));
  process.shell = image.shell;
  return process;
}

}  // namespace consort::engine

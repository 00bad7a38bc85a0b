#include "engine/spec_changes.hpp"

#include <algorithm>
#include <array>
#include <iterator>
#include <map>

#include "base/json.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "engine/records/json_text.hpp"

namespace consort::engine {

namespace {

using Facts = std::map<std::string, std::string>;

constexpr std::size_t id_digits = 64;

bool is_anonymous(const MountSpec& mount) {
  return mount.type == MountType::volume &&
         (mount.source.empty() || (mount.source.size() == id_digits && is_hex(mount.source)));
}

std::string text_of(const MountSpec& mount) {
  std::string text = mount.type == MountType::tmpfs ? "tmpfs" : mount.source;
  if (!mount.subpath.empty()) text += ", subpath " + mount.subpath;
  if (mount.read_only) text += ", read-only";
  if (!mount.propagation.empty()) text += ", " + mount.propagation;
  return text;
}

std::string text_of(const PortBinding& port) {
  std::string host = port.host_port == 0 ? "" : std::to_string(port.host_port);
  if (port.host_port_end > port.host_port) host += "-" + std::to_string(port.host_port_end);
  if (!port.host_ip.empty()) host = (port.host_ip.contains(':') ? "[" + port.host_ip + "]" : port.host_ip) + ":" + host;
  return (host.empty() ? "" : host + ":") + std::to_string(port.container_port) + "/" + port.protocol;
}

std::string text_of(const RestartPolicy& policy) {
  switch (policy.mode) {
    case RestartMode::no:
      return "no";
    case RestartMode::always:
      return "always";
    case RestartMode::unless_stopped:
      return "unless-stopped";
    case RestartMode::on_failure:
      break;
  }
  return policy.max_retries == 0 ? "on-failure" : "on-failure:" + std::to_string(policy.max_retries);
}

std::string text_of(const Json& value) {
  return value.is_string() ? value.get<std::string>() : dump_json(value);
}

// "a": {"b": 1} becomes a.b; a list stays one.
void add_all(Facts& facts, const std::string& name, const Json& value) {
  if (!value.is_object()) {
    facts[name] = text_of(value);
    return;
  }
  for (const auto& [key, inner] : value.items()) add_all(facts, name + "." + key, inner);
}

void add_health(Facts& facts, const HealthSpec& health) {
  if (health.test) facts["healthcheck.test"] = dump_json(Json(*health.test));
  const auto time = [&](const char* name, const std::optional<Nanoseconds>& value) {
    if (value) facts[std::string("healthcheck.") + name] = format_duration(*value);
  };
  time("interval", health.interval);
  time("timeout", health.timeout);
  time("start_period", health.start_period);
  time("start_interval", health.start_interval);
  if (health.retries) facts["healthcheck.retries"] = std::to_string(*health.retries);
}

void add_labels(Facts& facts, const StringMap& labels) {
  constexpr std::array<std::string_view, 3> own{"com.docker.compose.", "com.docker.job.", "consort."};
  for (const auto& [name, value] : labels)
    if (std::ranges::none_of(own, [&](std::string_view prefix) { return name.starts_with(prefix); }))
      facts["labels." + name] = value;
}

void add_maps(Facts& facts, const ContainerSpec& spec) {
  for (const std::string& entry : spec.environment) {
    const std::size_t equals = entry.find('=');
    facts["environment." + entry.substr(0, equals)] =
        equals == std::string::npos ? "taken away" : entry.substr(equals + 1);
  }
  add_labels(facts, spec.labels);
  for (const MountSpec& mount : spec.mounts)
    if (!is_anonymous(mount)) facts["volumes:" + mount.target] = text_of(mount);
  for (const FileContent& file : spec.files)
    facts["configs or secrets:" + file.path] =
        "mode " + std::to_string(file.mode) + ", owner " + std::to_string(file.uid) + ":" + std::to_string(file.gid);
  for (EndpointSpec endpoint : spec.networks) {
    const std::string name = std::exchange(endpoint.network, "");
    facts["networks." + name] = to_json(endpoint);
  }
}

// Compose's words for the fields below.
std::string compose_word(const std::string& field) {
  static const std::map<std::string, std::string> words{{"log", "logging"},
                                                        {"pid_mode", "pid"},
                                                        {"ipc_mode", "ipc"},
                                                        {"uts_mode", "uts"},
                                                        {"cgroup_mode", "cgroup"},
                                                        {"stop_timeout", "stop_grace_period"},
                                                        {"open_stdin", "stdin_open"},
                                                        {"memory", "mem_limit"},
                                                        {"memory_swap", "memswap_limit"},
                                                        {"nano_cpus", "cpus"},
                                                        {"memory_reservation", "mem_reservation"},
                                                        {"memory_swappiness", "mem_swappiness"},
                                                        {"cpuset_cpus", "cpuset"}};
  const auto found = words.find(field);
  return found == words.end() ? field : found->second;
}

// Everything without words of its own above: as it is stored.
void add_rest(Facts& facts, const ContainerSpec& spec) {
  const auto parsed = parse_json(to_json(spec), "container");
  if (!parsed) return;
  constexpr std::array<std::string_view, 17> done{
      "name",  "project",  "service", "number",  "oneoff", "image_id", "environment", "labels",      "mounts",
      "files", "networks", "ports",   "restart", "health", "links",    "resources",   "stop_timeout"};
  constexpr std::array<std::string_view, 4> of_others{"network_mode", "pid_mode", "ipc_mode", "uts_mode"};
  for (const auto& [key, value] : parsed->items()) {
    if (std::ranges::count(done, key) > 0) continue;
    // There a container has its id, here its name.
    if (std::ranges::count(of_others, key) > 0 && text_of(value).starts_with("container:")) continue;
    add_all(facts, compose_word(key), value);
  }
  const auto resources = parsed->find("resources");
  if (resources == parsed->end()) return;
  for (const auto& [key, value] : resources->items()) {
    std::string text = text_of(value);
    if (key == "nano_cpus") text = dump_json(Json(static_cast<double>(spec.resources.nano_cpus) / 1e9));
    facts[compose_word(key)] = text;
  }
}

Facts facts_of(const ContainerSpec& spec) {
  Facts facts;
  add_maps(facts, spec);
  Strings ports;
  std::ranges::transform(spec.ports, std::back_inserter(ports), [](const PortBinding& port) { return text_of(port); });
  std::ranges::sort(ports);
  if (!ports.empty()) facts["ports"] = join(ports, ", ");
  facts["restart"] = text_of(spec.restart);
  if (spec.health) add_health(facts, *spec.health);
  if (spec.stop_timeout) facts["stop_grace_period"] = format_duration(*spec.stop_timeout);
  add_rest(facts, spec);
  return facts;
}

// Names that people give to settings they do not want to see on a screen.
bool names_a_secret(const std::string& setting) {
  const std::string upper = to_upper(setting);
  constexpr std::array<std::string_view, 11> words{"PASS", "PWD",  "SECRET", "TOKEN", "KEY",       "CREDENTIAL",
                                                   "AUTH", "_URL", "_URI",   "DSN",   "CONNECTION"};
  return (setting.starts_with("environment.") || setting.starts_with("labels.")) &&
         std::ranges::any_of(words, [&](std::string_view word) { return upper.contains(word); });
}

// "postgres://user:word@db/shop", wherever it occurs: in a command, in an option of a log driver.
bool holds_a_login(std::string_view text) {
  for (std::size_t at = text.find("://"); at != text.npos; at = text.find("://", at + 1)) {
    const std::string_view login = text.substr(at + 3, text.find_first_of("/ \"'", at + 3) - (at + 3));
    if (const std::size_t end = login.rfind('@'); end != login.npos && login.find(':') < end) return true;
  }
  return false;
}

Facts facts_of(const NetworkSpec& spec) {
  Facts facts;
  facts["driver"] = spec.driver.empty() ? "bridge" : spec.driver;
  for (const auto& [name, value] : spec.driver_opts) facts["driver_opts." + name] = value;
  add_labels(facts, spec.labels);
  facts["internal"] = spec.internal ? "true" : "false";
  facts["enable_ipv4"] = spec.enable_ipv4 ? "true" : "false";
  facts["enable_ipv6"] = spec.enable_ipv6 ? "true" : "false";
  if (spec.chosen_pools) return facts;
  Strings pools;
  for (const AddressPool& pool : spec.pools) {
    std::string text = pool.subnet;
    if (!pool.ip_range.empty()) text += ", range " + pool.ip_range;
    for (const auto& [name, address] : pool.aux_addresses) text += ", " + name + " " + address;
    pools.push_back(std::move(text));
  }
  if (!pools.empty()) facts["ipam.config"] = join(pools, "; ");
  return facts;
}

std::vector<SpecChange> compare(const Facts& old, const Facts& now) {
  std::map<std::string, SpecChange> changes;
  const auto text_in = [](const Facts& facts, const std::string& setting) {
    const auto found = facts.find(setting);
    return found == facts.end() ? std::string() : found->second;
  };
  for (const Facts* facts : {&old, &now})
    for (const auto& [setting, text] : *facts) {
      const std::string was = text_in(old, setting), is = text_in(now, setting);
      if (was == is && old.contains(setting) == now.contains(setting)) continue;
      const bool secret = names_a_secret(setting) || holds_a_login(was) || holds_a_login(is);
      changes[setting] = secret ? SpecChange{setting, {}, {}, true} : SpecChange{setting, was, is, false};
    }
  std::vector<SpecChange> all;
  std::ranges::transform(changes, std::back_inserter(all), [](const auto& entry) { return entry.second; });
  return all;
}

}  // namespace

std::vector<SpecChange> changes_between(const ContainerSpec& before, const ContainerSpec& after) {
  return compare(facts_of(before), facts_of(after));
}

std::vector<SpecChange> changes_between(const NetworkSpec& before, const NetworkSpec& after) {
  return compare(facts_of(before), facts_of(after));
}

}  // namespace consort::engine

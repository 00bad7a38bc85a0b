#include "engine/checks/validate.hpp"

#include <algorithm>
#include <set>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "engine/start/oci_runtime.hpp"
#include "network/address.hpp"
#include "network/bridge.hpp"
#include "runtime/defaults.hpp"

namespace consort::engine {

namespace {

constexpr std::string_view letters_and_digits = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";

bool is_control(char c) {
  return static_cast<unsigned char>(c) < ' ' || c == 127;
}

// A value in a line of /etc/hosts or resolv.conf must not end that line and begin another.
bool is_one_line(const std::string& text) {
  return std::ranges::none_of(text, is_control);
}

// A name must not be two words, either.
bool is_one_word(const std::string& text) {
  return is_one_line(text) && !text.contains(' ');
}

Result<> validate_host_name(const char* what, const std::string& name) {
  constexpr std::size_t longest = 64;  // the kernel's __NEW_UTS_LEN
  if (name.size() <= longest && !name.contains('/') && is_one_word(name)) return {};
  return refuse(what, std::string("invalid ") + what + " format: " + name);
}

Result<> validate_process(const ContainerSpec& spec) {
  if (!spec.working_dir.empty() && !spec.working_dir.starts_with('/')) {
    return fail(Error(Code::invalid,
                      "the working directory '" + spec.working_dir + "' is invalid, it needs to be an absolute path")
                    .about(Subject::working_directory, spec.working_dir));
  }
  for (const std::string& entry : spec.environment)
    if (entry.empty() || entry.starts_with('=')) return refuse("environment", "invalid environment variable: " + entry);
  if (!spec.stop_signal.empty() && !runtime::signal_number(spec.stop_signal))
    return refuse("stop_signal", "invalid signal: " + spec.stop_signal);
  TRY(validate_host_name("hostname", spec.hostname));
  TRY(validate_host_name("domainname", spec.domainname));
  if (spec.oom_score_adj < -1000 || spec.oom_score_adj > 1000) {
    return refuse("oom_score_adj",
                  "Invalid value " + std::to_string(spec.oom_score_adj) + ", range for oom score adj is [-1000, 1000]");
  }
  for (const Ulimit& limit : spec.ulimits) {
    const std::string setting = "ulimits/" + limit.name;
    if (!runtime::rlimit_number(limit.name)) return refuse(setting, "invalid ulimit type: " + limit.name);
    if (limit.hard != -1 && (limit.soft == -1 || limit.soft > limit.hard)) {
      return refuse(setting, "ulimit soft limit must be less than or equal to hard limit: " +
                                 std::to_string(limit.soft) + " > " + std::to_string(limit.hard));
    }
  }
  return {};
}

Result<> validate_restart(const ContainerSpec& spec) {
  const RestartPolicy& policy = spec.restart;
  if (spec.auto_remove && policy.mode != RestartMode::no)
    return refuse("restart", "can't create 'AutoRemove' container with restart policy");
  if (policy.max_retries && policy.mode != RestartMode::on_failure)
    return refuse("restart", "invalid restart policy: maximum retry count can only be used with 'on-failure'");
  return {};
}

Result<> validate_health(const ContainerSpec& spec) {
  if (!spec.health) return {};
  const HealthSpec& health = *spec.health;
  if (health.test && !health.test->empty() && !health.test->front().empty()) {
    const std::string& kind = health.test->front();
    if (kind != "NONE" && kind != "CMD" && kind != "CMD-SHELL")
      return refuse("healthcheck/test",
                    "Unknown healthcheck type '" + kind + "' (expected 'CMD', 'CMD-SHELL' or 'NONE')");
  }
  const auto check = [](const char* setting, const char* what, const std::optional<Nanoseconds>& value) -> Result<> {
    using std::chrono::milliseconds;
    if (value && value->count() != 0 && *value < milliseconds(1))
      return refuse(std::string("healthcheck/") + setting,
                    std::string(what) + " in Healthcheck cannot be less than 1ms");
    return {};
  };
  TRY(check("interval", "Interval", health.interval));
  TRY(check("timeout", "Timeout", health.timeout));
  TRY(check("start_period", "StartPeriod", health.start_period));
  return check("start_interval", "StartInterval", health.start_interval);
}

Result<> validate_network(const ContainerSpec& spec) {
  std::set<std::string> seen;
  for (const EndpointSpec& endpoint : spec.networks) {
    TRY(validate_endpoint(endpoint));
    if (!seen.insert(endpoint.network).second)
      return refuse("networks/" + endpoint.network,
                    "container is connected to network " + endpoint.network + " more than once");
  }
  for (const PortBinding& port : spec.ports) {
    if (port.protocol == "sctp") {
      return fail(Error(Code::unsupported,
                        "port " + std::to_string(port.container_port) + "/sctp: publishing SCTP ports is not supported")
                      .hint("with network_mode: host, or within one network, no published port is needed")
                      .about(Subject::setting, "ports"));
    }
    if (port.protocol != "tcp" && port.protocol != "udp")
      return refuse("ports", "invalid port protocol: " + port.protocol);
    if (port.container_port == 0) return refuse("ports", "invalid container port: 0");
    if (!port.host_ip.empty() && !Address::parse(port.host_ip))
      return refuse("ports", "invalid IP address: " + port.host_ip);
    if (port.host_port_end && port.host_port_end < port.host_port)
      return refuse("ports",
                    "invalid port range: " + std::to_string(port.host_port) + "-" + std::to_string(port.host_port_end));
  }
  for (const std::string& port : spec.expose) TRY(parse_exposed(port));
  return {};
}

// Everything that is written to the container's hosts and resolv.conf, or answered by its name server.
Result<> validate_lookups(const ContainerSpec& spec) {
  for (const HostEntry& entry : spec.extra_hosts) {
    const std::string setting = "extra_hosts/" + entry.name;
    if (!is_one_word(entry.name)) return refuse(setting, "bad format for add-host: \"" + entry.name + "\"");
    if (entry.address != "host-gateway" && !Address::parse(entry.address))
      return refuse(setting, "invalid IP address in add-host: \"" + entry.address + "\"");
  }
  for (const std::string& link : spec.links)
    if (!is_one_word(link)) return refuse("links", "bad format for links: \"" + link + "\"");
  for (const std::string& server : spec.dns)
    if (!Address::parse(server)) return refuse("dns/" + server, "invalid IP address in dns: \"" + server + "\"");
  for (const std::string& domain : spec.dns_search)
    if (!is_one_line(domain)) return refuse("dns_search", "\"" + domain + "\" is not a valid domain (dns_search)");
  for (const std::string& option : spec.dns_opt)
    if (!is_one_line(option))
      return refuse("dns_opt", "\"" + option + "\" is not a valid option of resolv.conf (dns_opt)");
  return {};
}

Result<> validate_unsupported(const ContainerSpec& spec) {
  if (!spec.device_requests.empty()) {
    return fail(Error(Code::unsupported,
                      "could not select device driver \"\" with capabilities: [[" + spec.device_requests.front() + "]]")
                    .hint("GPUs and device requests need a vendor's driver, which is not supported; use `devices`")
                    .about(Subject::setting, "gpus"));
  }
  if (!spec.storage_opt.empty()) {
    return fail(
        Error(Code::unsupported, "--storage-opt is supported only for overlay over xfs with 'pquota' mount option")
            .about(Subject::setting, "storage_opt"));
  }
  if (!spec.isolation.empty() && spec.isolation != "default")
    return refuse("isolation", "invalid isolation (" + spec.isolation + "): linux only supports 'default'");
  return {};
}

}  // namespace

Result<> validate_endpoint(const EndpointSpec& endpoint) {
  const std::string setting = "networks/" + endpoint.network;
  const auto check = [&](const char* what, const std::string& text, Family family) -> Result<> {
    const auto address = text.empty() ? std::optional(Address::any(family)) : Address::parse(text);
    if (!address || address->family() != family)
      return refuse(setting, std::string("invalid ") + what + " address: " + text);
    return {};
  };
  if (endpoint.network.empty()) return refuse("networks", "an endpoint needs the name of its network");
  TRY(check("IPv4", endpoint.ipv4, Family::v4));
  TRY(check("IPv6", endpoint.ipv6, Family::v6));
  for (const std::string& alias : endpoint.aliases)
    if (!is_one_word(alias))
      return refuse(setting, "invalid alias on network " + endpoint.network + ": \"" + alias + "\"");
  if (!endpoint.mac_address.empty() && !MacAddress::parse(endpoint.mac_address))
    return refuse("mac_address", "invalid MAC address: " + endpoint.mac_address);
  for (const std::string& text : endpoint.link_local_ips)
    if (!Address::parse(text)) return refuse(setting, "invalid link-local IP address: " + text);
  const auto named = endpoint.driver_opts.find("com.docker.network.endpoint.ifname");
  for (const std::string& name : {endpoint.interface_name, named == endpoint.driver_opts.end() ? "" : named->second})
    if (!name.empty() && !is_interface_name(name)) return refuse(setting, "invalid interface name: " + name);
  return {};
}

std::unexpected<Error> refuse(std::string setting, std::string text) {
  return fail(Error(Code::invalid, std::move(text)).about(Subject::setting, std::move(setting)));
}

std::unexpected<Error> refuse_mount(const std::string& target, std::string text) {
  return fail(Error(Code::invalid, std::move(text)).about(Subject::mount, clean_path(target)));
}

Result<> validate_name(const std::string& name) {
  const bool good = name.size() >= 2 && letters_and_digits.contains(name[0]) &&
                    name.find_first_not_of(std::string(letters_and_digits) + "_.-") == std::string::npos;
  if (good) return {};
  return refuse("container_name", "Invalid container name (" + name + "), only [a-zA-Z0-9][a-zA-Z0-9_.-] are allowed");
}

Result<PortRange> parse_exposed(const std::string& text) {
  const std::size_t slash = text.find('/');
  PortRange range;
  range.protocol = slash == std::string::npos ? "tcp" : to_lower(text.substr(slash + 1));
  const std::vector<std::string> ends = split(text.substr(0, slash), '-');
  const auto first = parse_unsigned(ends.front());
  const auto last = parse_unsigned(ends.back());
  const bool known = range.protocol == "tcp" || range.protocol == "udp" || range.protocol == "sctp";
  if (ends.size() > 2 || !first || !last || *first == 0 || *last > 65535 || *first > *last || !known)
    return refuse("expose", "invalid port: " + text);
  range.first = static_cast<std::uint16_t>(*first);
  range.last = static_cast<std::uint16_t>(*last);
  return range;
}

Result<> validate_container(const ContainerSpec& spec, const HostInfo& host, Strings& warnings) {
  if (!spec.name.empty()) TRY(validate_name(spec.name));
  TRY(validate_process(spec));
  TRY(validate_restart(spec));
  TRY(validate_health(spec));
  TRY(validate_modes(spec, warnings));
  TRY(validate_network(spec));
  TRY(validate_lookups(spec));
  TRY(validate_mounts(spec));
  TRY(validate_security(spec, host));
  TRY(validate_resources(spec, host, warnings));
  TRY(validate_log(spec.log));
  if (auto program = runtime_program(spec.runtime); !program)
    return fail(std::move(program).error().about(Subject::setting, "runtime"));
  return validate_unsupported(spec);
}

}  // namespace consort::engine

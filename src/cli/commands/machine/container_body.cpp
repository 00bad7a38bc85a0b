#include "cli/commands/machine/container_body.hpp"

#include <array>
#include <cmath>
#include <cstdlib>

#include "base/os/files/file.hpp"
#include "base/size.hpp"
#include "base/strings.hpp"
#include "base/time.hpp"
#include "cli/commands/project/run_values.hpp"

namespace consort::cli {

namespace {

std::unexpected<Error> bad(const std::string& flag, const std::string& value) {
  return fail(Code::invalid, "invalid argument \"" + value + "\" for \"--" + flag + "\" flag");
}

// Parses "512m"; for --memory-swap also "-1", which means unlimited.
Result<std::int64_t> size_of(const std::string& flag, const std::string& text) {
  if (flag == "memory-swap" && text == "-1") return -1;
  auto size = parse_size(text);
  if (size) return size;
  const std::string name = (flag == "memory" ? "-m, --" : "--") + flag;
  return fail(Code::invalid, "invalid argument \"" + text + "\" for \"" + name + "\" flag: " + size.error().message());
}

Result<std::int64_t> tmpfs_size(const std::string& mount, const std::string& text) {
  if (auto size = parse_size(text)) return size;
  return fail(Code::invalid,
              "invalid argument \"" + mount + "\" for \"--mount\" flag: invalid value for tmpfs-size: " + text);
}

Json map_of(const std::vector<std::string>& entries) {
  Json map = Json::object();
  for (const std::string& entry : entries) {
    const std::size_t equals = entry.find('=');
    map[entry.substr(0, equals)] = equals == std::string::npos ? "" : entry.substr(equals + 1);
  }
  return map;
}

void set_list(Json& into, const char* key, const std::vector<std::string>& values) {
  if (!values.empty()) into[key] = values;
}
void set_text(Json& into, const char* key, const std::string& value) {
  if (!value.empty()) into[key] = value;
}

Result<> add_variables(Json& body, const ParsedFlags& flags) {
  std::vector<std::string> variables;
  for (const std::string& entry : TRY(with_lines_of(flags.list("env-file"), flags.list("env")))) {
    const char* ours = entry.contains('=') ? nullptr : std::getenv(entry.c_str());
    if (entry.contains('='))
      variables.push_back(entry);
    else if (ours)
      variables.push_back(entry + "=" + ours);
  }
  set_list(body, "Env", variables);
  return {};
}

Result<> add_health(Json& body, const ParsedFlags& flags) {
  Json health = Json::object();
  if (flags.has("health-cmd")) health["Test"] = {"CMD-SHELL", flags.text("health-cmd")};
  if (flags.on("no-healthcheck")) health["Test"] = Json::array({"NONE"});
  constexpr std::pair<const char*, const char*> durations[] = {{"health-interval", "Interval"},
                                                               {"health-timeout", "Timeout"},
                                                               {"health-start-period", "StartPeriod"},
                                                               {"health-start-interval", "StartInterval"}};
  for (const auto& [flag, key] : durations) {
    if (!flags.has(flag)) continue;
    const auto value = parse_duration(flags.text(flag));
    if (!value) return bad(flag, flags.text(flag));
    health[key] = value->count();
  }
  if (const auto retries = flags.integer("health-retries")) health["Retries"] = *retries;
  if (!health.empty()) body["Healthcheck"] = std::move(health);
  return {};
}

Result<> add_ports(Json& body, Json& host, const ParsedFlags& flags) {
  for (const std::string& text : flags.list("expose"))
    body["ExposedPorts"][text.contains('/') ? text : text + "/tcp"] = Json::object();
  for (const std::string& text : flags.list("publish"))
    for (const engine::PortBinding& port : TRY(parse_publish(text))) {
      const std::string name = std::to_string(port.container_port) + "/" + port.protocol;
      std::string host_port = port.host_port == 0 ? "" : std::to_string(port.host_port);
      if (port.host_port_end != 0) host_port += "-" + std::to_string(port.host_port_end);
      body["ExposedPorts"][name] = Json::object();
      host["PortBindings"][name].push_back({{"HostIp", port.host_ip}, {"HostPort", host_port}});
    }
  host["PublishAllPorts"] = flags.on("publish-all");
  return {};
}

// "type=bind,source=/a,target=/b,readonly"
Result<Json> mount_of(const std::string& text, const std::string& directory) {
  Json mount{{"Type", "volume"}};
  for (const std::string& part : split(text, ',')) {
    const std::size_t equals = part.find('=');
    const std::string key = to_lower(part.substr(0, equals));
    const std::string value = equals == std::string::npos ? "" : part.substr(equals + 1);
    if (key == "type")
      mount["Type"] = value;
    else if (key == "source" || key == "src")
      mount["Source"] = value;
    else if (key == "target" || key == "dst" || key == "destination")
      mount["Target"] = value;
    else if (key == "readonly" || key == "ro")
      mount["ReadOnly"] = value.empty() || value == "true" || value == "1";
    else if (key == "bind-propagation")
      mount["BindOptions"]["Propagation"] = value;
    else if (key == "volume-nocopy")
      mount["VolumeOptions"]["NoCopy"] = value.empty() || value == "true";
    else if (key == "volume-subpath")
      mount["VolumeOptions"]["Subpath"] = value;
    else if (key == "image-subpath")
      mount["ImageOptions"]["Subpath"] = value;
    else if (key == "tmpfs-size")
      mount["TmpfsOptions"]["SizeBytes"] = TRY(tmpfs_size(text, value));
    else
      return fail(Code::invalid,
                  "invalid argument \"" + text + "\" for \"--mount\" flag: unknown option '" + key + "'");
  }
  if (get_string(mount, "Type") == "bind") mount["Source"] = join_path(directory, get_string(mount, "Source"));
  return mount;
}

Result<> add_mounts(Json& body, Json& host, const ParsedFlags& flags, const std::string& directory) {
  for (const std::string& text : flags.list("volume")) {
    if (!text.contains(':')) {
      body["Volumes"][text] = Json::object();
      continue;
    }
    const std::size_t colon = text.find(':');
    const std::string source = text.substr(0, colon);
    const bool path = source.starts_with('.') || source.starts_with('~');
    host["Binds"].push_back((path ? join_path(directory, source) : source) + text.substr(colon));
  }
  for (const std::string& text : flags.list("mount")) host["Mounts"].push_back(TRY(mount_of(text, directory)));
  for (const std::string& text : flags.list("tmpfs")) {
    const std::size_t colon = text.find(':');
    host["Tmpfs"][text.substr(0, colon)] = colon == std::string::npos ? "" : text.substr(colon + 1);
  }
  set_list(host, "VolumesFrom", flags.list("volumes-from"));
  return {};
}

// "/dev/sda:100", "/dev/sda:10mb"
Result<Json> device_rates(const ParsedFlags& flags, const std::string& flag, const char* key) {
  const bool in_bytes = flag.ends_with("-bps");
  Json rates = Json::array();
  for (const std::string& text : flags.list(flag)) {
    const std::size_t colon = text.rfind(':');
    if (colon == std::string::npos) return bad(flag, text);
    const std::string number = text.substr(colon + 1);
    const auto bytes = parse_size(number);
    const auto count = in_bytes && bytes ? std::optional(static_cast<std::uint64_t>(*bytes)) : parse_unsigned(number);
    if (!count && flag == "blkio-weight-device")
      return fail(Code::invalid,
                  "invalid argument \"" + text + "\" for \"--" + flag + "\" flag: invalid weight for device: " + text);
    if (!count)
      return fail(Code::invalid,
                  "invalid argument \"" + text + "\" for \"--" + flag + "\" flag: invalid rate for device: " + text +
                      ". The correct format is <device-path>:<number>" +
                      (in_bytes ? "[<unit>]. Number must be a positive integer. Unit is optional and can "
                                  "be kb, mb, or gb"
                                : ". Number must be a positive integer"));
    rates.push_back({{"Path", text.substr(0, colon)}, {key, *count}});
  }
  return rates;
}

Result<> add_block_limits(Json& host, const ParsedFlags& flags) {
  if (const auto weight = flags.integer("blkio-weight")) host["BlkioWeight"] = *weight;
  constexpr std::array<const char*, 3> devices[] = {{"blkio-weight-device", "BlkioWeightDevice", "Weight"},
                                                    {"device-read-bps", "BlkioDeviceReadBps", "Rate"},
                                                    {"device-write-bps", "BlkioDeviceWriteBps", "Rate"},
                                                    {"device-read-iops", "BlkioDeviceReadIOps", "Rate"},
                                                    {"device-write-iops", "BlkioDeviceWriteIOps", "Rate"}};
  for (const auto& [flag, key, value] : devices)
    if (flags.has(flag)) host[key] = TRY(device_rates(flags, flag, value));
  return {};
}

Result<std::int64_t> nano_cpus(const std::string& text) {
  char* end = nullptr;
  const double count = std::strtod(text.c_str(), &end);
  if (end == text.c_str() || *end != '\0' || !(count >= 0 && count < 1e6)) return bad("cpus", text);
  return static_cast<std::int64_t>(std::llround(count * 1e9));
}

// "nofile=1024", "nofile=1024:2048"
Result<> add_ulimits(Json& host, const ParsedFlags& flags) {
  for (const std::string& text : flags.list("ulimit")) {
    const std::size_t equals = text.find('=');
    const std::string values = equals == std::string::npos ? "" : text.substr(equals + 1);
    const auto soft = parse_signed(values.substr(0, values.find(':')));
    const auto hard = values.contains(':') ? parse_signed(values.substr(values.find(':') + 1)) : soft;
    if (!soft || !hard) return bad("ulimit", text);
    host["Ulimits"].push_back({{"Name", text.substr(0, equals)}, {"Soft", *soft}, {"Hard", *hard}});
  }
  return {};
}

Result<> add_limits(Json& host, const ParsedFlags& flags) {
  constexpr std::pair<const char*, const char*> numbers[] = {{"cpu-shares", "CpuShares"},
                                                             {"cpu-period", "CpuPeriod"},
                                                             {"cpu-quota", "CpuQuota"},
                                                             {"cpu-rt-period", "CpuRealtimePeriod"},
                                                             {"cpu-rt-runtime", "CpuRealtimeRuntime"},
                                                             {"memory-swappiness", "MemorySwappiness"},
                                                             {"pids-limit", "PidsLimit"},
                                                             {"oom-score-adj", "OomScoreAdj"}};
  for (const auto& [flag, key] : numbers)
    if (const auto number = flags.integer(flag)) host[key] = *number;
  if (flags.on("oom-kill-disable")) host["OomKillDisable"] = true;
  TRY(add_block_limits(host, flags));
  constexpr std::pair<const char*, const char*> sizes[] = {{"memory", "Memory"},
                                                           {"memory-swap", "MemorySwap"},
                                                           {"memory-reservation", "MemoryReservation"},
                                                           {"shm-size", "ShmSize"}};
  for (const auto& [flag, key] : sizes)
    if (flags.has(flag)) host[key] = TRY(size_of(flag, flags.text(flag)));
  if (flags.has("cpus")) host["NanoCpus"] = TRY(nano_cpus(flags.text("cpus")));
  set_text(host, "CpusetCpus", flags.text("cpuset-cpus"));
  set_text(host, "CpusetMems", flags.text("cpuset-mems"));
  return add_ulimits(host, flags);
}

Result<> add_restart(Json& host, const ParsedFlags& flags) {
  const std::string text = flags.text("restart", "no");
  const std::size_t colon = text.find(':');
  const auto retries =
      colon == std::string::npos ? std::optional<std::uint64_t>(0) : parse_unsigned(text.substr(colon + 1));
  if (!retries) return fail(Code::invalid, "invalid restart policy format: maximum retry count must be an integer");
  if (flags.on("rm") && text != "no")
    return fail(Code::invalid, "conflicting options: cannot specify both --restart and --rm");
  host["RestartPolicy"] = {{"Name", text.substr(0, colon)}, {"MaximumRetryCount", *retries}};
  return {};
}

void add_devices(Json& host, const ParsedFlags& flags) {
  for (const std::string& text : flags.list("device")) {
    const std::vector<std::string> parts = split(text, ':');
    const bool only_rights = parts.size() == 2 && parts[1].find_first_not_of("rwm") == std::string::npos;
    host["Devices"].push_back({{"PathOnHost", parts[0]},
                               {"PathInContainer", parts.size() > 1 && !only_rights ? parts[1] : parts[0]},
                               {"CgroupPermissions", parts.size() > 2 ? parts[2]
                                                     : only_rights    ? parts[1]
                                                                      : "rwm"}});
  }
}

void add_network(Json& body, Json& host, const ParsedFlags& flags) {
  const std::string network = flags.text("network", flags.text("net"));
  set_text(host, "NetworkMode", network);
  set_list(host, "Links", flags.list("link"));
  Json endpoint = Json::object();
  set_list(endpoint, "Aliases", flags.list("network-alias"));
  set_text(endpoint, "MacAddress", flags.text("mac-address"));
  if (flags.has("ip")) endpoint["IPAMConfig"]["IPv4Address"] = flags.text("ip");
  if (flags.has("ip6")) endpoint["IPAMConfig"]["IPv6Address"] = flags.text("ip6");
  set_list(endpoint["IPAMConfig"], "LinkLocalIPs", flags.list("link-local-ip"));
  if (endpoint["IPAMConfig"].empty()) endpoint.erase("IPAMConfig");
  if (!endpoint.empty())
    body["NetworkingConfig"]["EndpointsConfig"][network.empty() ? "bridge" : network] = std::move(endpoint);
}

}  // namespace

Result<Json> update_body(const ParsedFlags& flags) {
  Json body = Json::object();
  TRY(add_limits(body, flags));
  if (flags.has("restart")) TRY(add_restart(body, flags));
  return body;
}

Result<Json> container_body(const ParsedFlags& flags, const std::string& image, const std::vector<std::string>& command,
                            const RunTerminal& terminal, const std::string& directory) {
  Json body{{"Image", image},
            {"AttachStdin", terminal.attached && terminal.input},
            {"AttachStdout", terminal.attached},
            {"AttachStderr", terminal.attached},
            {"Tty", terminal.tty},
            {"OpenStdin", terminal.input},
            {"StdinOnce", terminal.attached && terminal.input}};
  Json host = Json::object();
  set_list(body, "Cmd", command);
  if (flags.has("entrypoint")) body["Entrypoint"] = Json::array({flags.text("entrypoint")});
  constexpr std::pair<const char*, const char*> texts[] = {{"hostname", "Hostname"},
                                                           {"domainname", "Domainname"},
                                                           {"user", "User"},
                                                           {"workdir", "WorkingDir"},
                                                           {"stop-signal", "StopSignal"}};
  for (const auto& [flag, key] : texts) set_text(body, key, flags.text(flag));
  if (const auto seconds = flags.integer("stop-timeout")) body["StopTimeout"] = *seconds;
  body["Labels"] = map_of(TRY(with_lines_of(flags.list("label-file"), flags.list("label"))));
  TRY(add_variables(body, flags));
  TRY(add_health(body, flags));
  TRY(add_ports(body, host, flags));
  TRY(add_mounts(body, host, flags, directory));
  TRY(add_limits(host, flags));
  TRY(add_restart(host, flags));
  add_devices(host, flags);
  add_network(body, host, flags);
  constexpr std::pair<const char*, const char*> lists[] = {{"cap-add", "CapAdd"},
                                                           {"cap-drop", "CapDrop"},
                                                           {"security-opt", "SecurityOpt"},
                                                           {"group-add", "GroupAdd"},
                                                           {"dns", "Dns"},
                                                           {"dns-search", "DnsSearch"},
                                                           {"dns-option", "DnsOptions"},
                                                           {"add-host", "ExtraHosts"},
                                                           {"device-cgroup-rule", "DeviceCgroupRules"}};
  for (const auto& [flag, key] : lists) set_list(host, key, flags.list(flag));
  constexpr std::pair<const char*, const char*> modes[] = {
      {"ipc", "IpcMode"},           {"pid", "PidMode"},         {"uts", "UTSMode"},
      {"cgroupns", "CgroupnsMode"}, {"userns", "UsernsMode"},   {"cgroup-parent", "CgroupParent"},
      {"runtime", "Runtime"},       {"isolation", "Isolation"}, {"volume-driver", "VolumeDriver"}};
  for (const auto& [flag, key] : modes) set_text(host, key, flags.text(flag));
  if (const auto sysctls = flags.list("sysctl"); !sysctls.empty()) host["Sysctls"] = map_of(sysctls);
  if (const auto options = flags.list("storage-opt"); !options.empty()) host["StorageOpt"] = map_of(options);
  if (const auto notes = flags.list("annotation"); !notes.empty()) host["Annotations"] = map_of(notes);
  if (flags.has("log-driver") || flags.has("log-opt"))
    host["LogConfig"] = {{"Type", flags.text("log-driver")}, {"Config", map_of(flags.list("log-opt"))}};
  host["Privileged"] = flags.on("privileged");
  host["ReadonlyRootfs"] = flags.on("read-only");
  // An attached client removes the container itself, once it knows the exit code and the last of the output.
  host["AutoRemove"] = flags.on("rm") && !terminal.attached;
  if (flags.has("init")) host["Init"] = flags.on("init");
  body["HostConfig"] = std::move(host);
  return body;
}

}  // namespace consort::cli

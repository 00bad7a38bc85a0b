// Checks resources (HostConfig.Memory, NanoCpus, ... of Docker's Engine API) and logging (HostConfig.LogConfig).
#include <algorithm>
#include <array>
#include <cstdio>
#include <initializer_list>

#include "base/os/files/file.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/size.hpp"
#include "base/strings.hpp"
#include "engine/checks/validate.hpp"
#include "engine/start/log_ship.hpp"
#include "runtime/cgroup_sweep.hpp"

namespace consort::engine {

namespace {

constexpr std::int64_t minimum_memory = std::int64_t{6} << 20;

Result<> validate_memory(const Resources& r, const HostInfo& host, Strings& warnings) {
  if (r.memory < 0) return refuse("mem_limit", "invalid memory limit: " + std::to_string(r.memory));
  if (r.memory && r.memory < minimum_memory) return refuse("mem_limit", "Minimum memory limit allowed is 6MB");
  if (r.memory_swap > 0 && !r.memory)
    return refuse("memswap_limit", "You should always set the Memory limit when using Memoryswap limit, see usage");
  if (r.memory_swap > 0 && r.memory_swap < r.memory)
    return refuse("memswap_limit", "Minimum memoryswap limit should be larger than memory limit, see usage");
  if (r.memory_reservation && r.memory_reservation < minimum_memory)
    return refuse("mem_reservation", "Minimum memory reservation allowed is 6MB");
  if (r.memory && r.memory_reservation > r.memory)
    return refuse("mem_limit", "Minimum memory limit can not be less than memory reservation limit, see usage");
  if (r.memory_swappiness && (*r.memory_swappiness < -1 || *r.memory_swappiness > 100)) {
    return refuse("mem_swappiness", "Invalid value: " + std::to_string(*r.memory_swappiness) +
                                        ", valid memory swappiness range is 0-100");
  }
  if (r.memory && !host.swap_accounting)
    warnings.emplace_back(
        "Your kernel does not support swap limit capabilities or the cgroup is not mounted. Memory limited without "
        "swap.");
  if (r.memory_swappiness && *r.memory_swappiness >= 0 && host.cgroup_v2)
    warnings.emplace_back(
        "Your kernel does not support memory swappiness capabilities or the cgroup is not mounted. Memory swappiness "
        "discarded.");
  if (r.oom_kill_disable && host.cgroup_v2)
    warnings.emplace_back("Your kernel does not support OomKillDisable. OomKillDisable discarded.");
  if (r.oom_kill_disable && !host.cgroup_v2 && !r.memory)
    warnings.emplace_back(
        "OOM killer is disabled for the container, but no memory limit is set, this can result in the system running "
        "out of resources.");
  return {};
}

Result<> validate_set(const char* what, const std::string& wanted, const std::string& available) {
  if (wanted.empty()) return {};
  const auto asked = parse_cpu_list(wanted);
  if (!asked)
    return refuse("cpuset",
                  std::string("Invalid value ") + wanted + " for cpuset " + what + ": invalid format: " + wanted);
  const auto there = parse_cpu_list(available);
  const bool all = there && std::ranges::all_of(*asked, [&](unsigned n) { return std::ranges::count(*there, n) > 0; });
  if (all) return {};
  return refuse("cpuset", std::string("Requested ") + (std::string_view(what) == "cpus" ? "CPUs" : "memory nodes") +
                              " are not available - requested " + wanted + ", available: " + available);
}

Result<> validate_cpu(const Resources& r, const HostInfo& host) {
  if (r.nano_cpus && (r.cpu_period || r.cpu_quota))
    return refuse("cpus", "Conflicting options: Nano CPUs and CPU Period cannot both be set");
  if (r.nano_cpus < 0 || r.nano_cpus > std::int64_t{host.cpus} * 1'000'000'000 ||
      (r.nano_cpus > 0 && r.nano_cpus < 10'000'000)) {
    std::array<char, 160> text;
    std::snprintf(text.data(), text.size(), "range of CPUs is from 0.01 to %u.00, as there are only %u CPUs available",
                  host.cpus, host.cpus);
    return refuse("cpus", text.data());
  }
  if (r.cpu_shares < 0)
    return refuse("cpu_shares",
                  "invalid CPU shares (" + std::to_string(r.cpu_shares) + "): value must be a positive integer");
  if (r.cpu_period && (r.cpu_period < 1000 || r.cpu_period > 1'000'000))
    return refuse("cpu_period", "CPU cfs period can not be less than 1ms (i.e. 1000) or larger than 1s (i.e. 1000000)");
  if (r.cpu_quota > 0 && r.cpu_quota < 1000)
    return refuse("cpu_quota", "CPU cfs quota can not be less than 1ms (i.e. 1000)");
  if (r.cpu_rt_runtime && r.cpu_rt_period && r.cpu_rt_runtime > r.cpu_rt_period)
    return refuse("cpu_rt_runtime", "cpu real-time runtime cannot be higher than cpu real-time period");
  if ((r.cpu_rt_runtime || r.cpu_rt_period) && host.cgroup_v2)
    return refuse("cpu_rt_runtime", "kernel does not support CPU real-time scheduler on cgroup v2");
  if (r.cpu_count || r.cpu_percent)
    return fail(Error(Code::unsupported, "cpu_count and cpu_percent only exist on Windows: use cpus")
                    .about(Subject::setting, r.cpu_count ? "cpu_count" : "cpu_percent"));
  TRY(validate_set("cpus", r.cpuset_cpus, host.cpuset));
  return validate_set("mems", r.cpuset_mems, host.memory_nodes);
}

Result<> validate_blkio(const Resources& r) {
  const auto bad = [](std::uint64_t weight) { return weight != 0 && (weight < 10 || weight > 1000); };
  if (bad(r.blkio_weight)) return refuse("blkio_config", "Range of blkio weight is from 10 to 1000");
  for (const BlkioDevice& device : r.blkio_weight_device)
    if (bad(device.value)) return refuse("blkio_config", "Range of blkio weight is from 10 to 1000: " + device.path);
  return {};
}

// The root cgroup has no weight of its own, neither on v2 nor of the BFQ scheduler, but other files of what gives the
// groups below it theirs. In a cgroup namespace the root is a group like others.
bool has_blkio_weight(const HostInfo& host) {
  const auto any = [](std::initializer_list<const char*> files) {
    return std::ranges::any_of(files, [](const char* file) { return path_exists(file); });
  };
  if (host.cgroup_v2) return any({"/sys/fs/cgroup/io.weight", "/sys/fs/cgroup/io.cost.qos"});
  return any({"/sys/fs/cgroup/blkio/blkio.weight", "/sys/fs/cgroup/blkio/blkio.bfq.weight",
              "/sys/fs/cgroup/blkio/blkio.bfq.io_service_bytes"});
}

}  // namespace

Result<> validate_resources(const ContainerSpec& spec, const HostInfo& host, Strings& warnings) {
  if (in_user_namespace() && !runtime::may_make_cgroups() && spec.resources != Resources{})
    warnings.emplace_back("Limits are ignored: you have no control groups here (`consort doctor` says more).");
  TRY(validate_memory(spec.resources, host, warnings));
  TRY(validate_cpu(spec.resources, host));
  if (spec.resources.blkio_weight && !has_blkio_weight(host))
    warnings.emplace_back(
        "Your kernel does not support Block I/O weight or the cgroup is not mounted. Weight discarded.");
  return validate_blkio(spec.resources);
}

Result<> validate_log(const LogSpec& log) {
  const std::string driver = log.driver.empty() ? "json-file" : log.driver;
  constexpr std::array<std::string_view, 10> known{"max-size", "max-file",       "compress",     "labels",
                                                   "env",      "env-regex",      "labels-regex", "tag",
                                                   "mode",     "max-buffer-size"};
  if (const auto mode = log.options.find("mode");
      mode != log.options.end() && mode->second != "blocking" && mode->second != "non-blocking")
    return refuse("logging/options", "logger: logging mode \"" + mode->second + "\" is not supported");
  if (const auto size = log.options.find("max-buffer-size"); size != log.options.end()) {
    const auto mode = log.options.find("mode");
    if (mode == log.options.end() || mode->second != "non-blocking")
      return refuse("logging/options", "logger: max-buffer-size option is only supported with 'mode=non-blocking'");
    if (const auto bytes = parse_size(size->second); !bytes)
      return refuse("logging/options", "error parsing option max-buffer-size: " + bytes.error().message());
  }
  if (driver == "none") return {};
  if (is_shipping(driver)) return validate_shipping(log);
  if (driver != "json-file" && driver != "local") {
    constexpr std::array<std::string_view, 4> docker{"awslogs", "etwlogs", "gcplogs", "splunk"};
    if (std::ranges::count(docker, driver) > 0) {
      return fail(Error(Code::unsupported, "logging driver " + driver + " is not supported")
                      .hint("use json-file, local, syslog, journald, gelf, fluentd or none")
                      .about(Subject::setting, "logging/driver"));
    }
    return refuse("logging/driver",
                  "error looking up logging plugin " + driver + ": plugin \"" + driver + "\" not found");
  }
  for (const auto& [key, value] : log.options)
    if (std::ranges::count(known, key) == 0)
      return refuse("logging/options", "unknown log opt '" + key + "' for " + driver + " log driver");
  return {};
}

Result<LogLimits> read_log_limits(const LogSpec& log) {
  LogLimits limits;
  limits.disabled = log.driver == "none";
  // Docker's cache of logs that are sent elsewhere has the same limits.
  if (log.driver == "local" || is_shipping(log.driver)) limits = {.max_size = std::uint64_t{20} << 20, .max_file = 5};
  const auto bad = [](const char* what, const std::string& value) {
    return refuse("logging/options",
                  std::string("failed to initialize logging driver: invalid ") + what + ": '" + value + "'");
  };
  if (const auto option = log.options.find("max-size"); option != log.options.end() && option->second != "-1") {
    const auto size = parse_size(option->second, SizeUnits::decimal);
    if (!size || *size == 0) return bad("size", option->second);
    limits.max_size = static_cast<std::uint64_t>(*size);
  }
  if (const auto option = log.options.find("max-file"); option != log.options.end()) {
    const auto count = parse_unsigned(option->second);
    if (!count || *count == 0 || *count > 1000) return bad("max-file", option->second);
    limits.max_file = static_cast<unsigned>(*count);
  }
  return limits;
}

}  // namespace consort::engine

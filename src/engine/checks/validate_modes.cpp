// Checks namespaces (HostConfig.NetworkMode, PidMode, ... of Docker's Engine API), settings that exclude each other,
// mounts (HostConfig.Mounts, Binds, Tmpfs) and security (HostConfig.CapAdd, SecurityOpt, ...).
#include <algorithm>
#include <array>
#include <set>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "engine/api_socket.hpp"
#include "engine/checks/device_rule.hpp"
#include "engine/checks/validate.hpp"
#include "runtime/defaults.hpp"
#include "volume/volume.hpp"

namespace consort::engine {

namespace {

Result<> validate_mode(const char* setting, const char* what, const std::string& mode,
                       std::initializer_list<std::string_view> known) {
  if (mode.empty() || mode.starts_with("container:")) return {};
  if (std::ranges::count(known, std::string_view(mode)) > 0) return {};
  return refuse(setting, std::string("invalid ") + what + " mode: " + mode);
}

Result<> conflict(const char* setting, const char* what, const char* with) {
  return fail(Error(Code::conflict, std::string("conflicting options: ") + what + " and the " + with)
                  .about(Subject::setting, setting));
}

Result<> validate_shared_network(const ContainerSpec& spec) {
  constexpr const char* mode = "container type network mode";
  if (!spec.hostname.empty()) return conflict("hostname", "hostname", "network mode");
  if (!spec.links.empty())
    return conflict("links",
                    "container type network can't be used with links. This would result in undefined behavior: links",
                    mode);
  if (!spec.dns.empty() || !spec.dns_search.empty() || !spec.dns_opt.empty())
    return conflict("dns", "dns", "network mode");
  if (!spec.extra_hosts.empty()) return conflict("extra_hosts", "custom host-to-IP mapping", "network mode");
  if (!spec.ports.empty()) return conflict("ports", "port publishing", mode);
  if (!spec.expose.empty()) return conflict("expose", "port exposing", mode);
  return {};
}

// Settings that do not affect the host (the same list as Docker's).
bool is_namespaced(const std::string& name) {
  constexpr std::array<std::string_view, 8> kernel{"kernel.msgmax", "kernel.msgmnb",         "kernel.msgmni",
                                                   "kernel.sem",    "kernel.shmall",         "kernel.shmmax",
                                                   "kernel.shmmni", "kernel.shm_rmid_forced"};
  return name.starts_with("net.") || name.starts_with("fs.mqueue.") || std::ranges::count(kernel, name) > 0;
}

Result<> validate_sysctls(const ContainerSpec& spec) {
  for (const auto& [name, value] : spec.sysctls) {
    if (!is_namespaced(name) || name.contains(".."))
      return refuse("sysctls/" + name, "sysctl '" + name + "=" + value + "' is not allowed");
    const bool foreign = spec.network_mode == "host" || spec.network_mode.starts_with("container:");
    if (name.starts_with("net.") && foreign)
      return refuse("sysctls/" + name, "sysctl '" + name + "' not allowed in " +
                                           (spec.network_mode == "host" ? "host" : "shared") + " network namespace");
    if (name.starts_with("kernel.") && spec.ipc_mode == "host")
      return refuse("sysctls/" + name, "sysctl '" + name + "' not allowed in host ipc namespace");
  }
  return {};
}

Result<> validate_mount(const MountSpec& mount) {
  const auto bad = [&](const std::string& why) {
    constexpr std::array<const char*, 4> names{"bind", "volume", "tmpfs", "image"};
    return refuse_mount(mount.target, std::string("invalid mount config for type \"") +
                                          names[static_cast<std::size_t>(mount.type)] + "\": " + why);
  };
  if (mount.target.empty()) return bad("field Target must not be empty");
  if (!mount.target.starts_with('/'))
    return bad("invalid mount path: '" + mount.target + "' mount path must be absolute");
  if (clean_path(mount.target) == "/") return bad("invalid specification: destination can't be '/'");
  if (mount.type == MountType::bind) {
    if (mount.source.empty()) return bad("field Source must not be empty");
    if (!mount.source.starts_with('/') && mount.source != project_api)
      return bad("invalid mount path: '" + mount.source + "' mount path must be absolute");
    constexpr std::array<std::string_view, 7> known{"", "private", "rprivate", "slave", "rslave", "shared", "rshared"};
    if (std::ranges::count(known, mount.propagation) == 0) return bad("invalid propagation mode: " + mount.propagation);
  }
  if (mount.type == MountType::volume && !mount.source.empty())
    if (auto named = volume::check_name(mount.source); !named)
      return fail(std::move(named).error().about(Subject::mount, clean_path(mount.target)));
  if (!mount.volume_driver.empty() && mount.volume_driver != "local") {
    return fail(Error(Code::not_found, "error looking up volume plugin " + mount.volume_driver + ": plugin \"" +
                                           mount.volume_driver + "\" not found")
                    .about(Subject::mount, clean_path(mount.target)));
  }
  if (mount.type == MountType::image && mount.source.empty()) return bad("field Source must not be empty");
  return {};
}

}  // namespace

Result<> validate_modes(const ContainerSpec& spec, Strings& warnings) {
  TRY(validate_mode("pid", "PID", spec.pid_mode, {"private", "host"}));
  TRY(validate_mode("ipc", "IPC", spec.ipc_mode, {"private", "shareable", "host", "none"}));
  TRY(validate_mode("cgroup", "cgroup namespace", spec.cgroup_mode, {"private", "host"}));
  if (!spec.uts_mode.empty() && spec.uts_mode != "host" && spec.uts_mode != "private")
    return refuse("uts", "invalid UTS mode: " + spec.uts_mode);
  if (spec.cgroup_mode.starts_with("container:"))
    return refuse("cgroup", "invalid cgroup namespace mode: " + spec.cgroup_mode);
  if (!spec.userns_mode.empty() && spec.userns_mode != "host")
    return refuse("userns_mode", "invalid USER mode: " + spec.userns_mode);
  if (spec.uts_mode == "host" && !spec.hostname.empty()) return conflict("hostname", "hostname", "UTS mode");
  if (spec.network_mode.starts_with("container:")) TRY(validate_shared_network(spec));
  if (spec.network_mode == "host" && !spec.links.empty())
    return conflict("links",
                    "host type networking can't be used with links. This would result in undefined behavior: links",
                    "network mode");
  if (spec.network_mode == "host" && !spec.ports.empty())
    warnings.emplace_back("Published ports are discarded when using host network mode");
  return validate_sysctls(spec);
}

Result<> validate_mounts(const ContainerSpec& spec) {
  std::set<std::string> targets;
  const auto take = [&](const std::string& target) -> Result<> {
    if (targets.insert(clean_path(target)).second) return {};
    return refuse_mount(target, "Duplicate mount point: " + target);
  };
  for (const MountSpec& mount : spec.mounts) {
    TRY(validate_mount(mount));
    TRY(take(mount.target));
  }
  for (const auto& [target, options] : spec.tmpfs) {
    if (!target.starts_with('/'))
      return refuse_mount(target, "invalid mount path: '" + target + "' mount path must be absolute");
    TRY(take(target));
  }
  for (const FileContent& file : spec.files) {
    if (!file.path.starts_with('/'))
      return refuse_mount(file.path, "invalid mount path: '" + file.path + "' mount path must be absolute");
    TRY(take(file.path));
  }
  for (const std::string& donor : spec.volumes_from) {
    const std::size_t colon = donor.rfind(':');
    const std::string mode = colon == std::string::npos ? "" : donor.substr(colon + 1);
    if (colon != std::string::npos && mode != "ro" && mode != "rw" && mode != "z" && mode != "Z")
      return refuse("volumes_from/" + donor, "invalid mode: " + mode);
    if (donor.empty()) return refuse("volumes_from/" + donor, "invalid volumes-from specification: " + donor);
  }
  return {};
}

Result<SecurityOptions> read_security_options(const Strings& options) {
  SecurityOptions read;
  for (const std::string& option : options) {
    if (option == "no-new-privileges") {
      read.no_new_privileges = true;
      continue;
    }
    const std::size_t separator = option.find_first_of("=:");
    if (separator == std::string::npos)
      return refuse("security_opt/" + option, "invalid --security-opt: \"" + option + "\"");
    const std::string key = option.substr(0, separator);
    const std::string value = option.substr(separator + 1);
    if (key == "no-new-privileges") {
      if (value != "true" && value != "false")
        return refuse("security_opt/" + option, "invalid --security-opt: \"" + option + "\"");
      read.no_new_privileges = value == "true";
    } else if (key == "seccomp") {
      read.seccomp = value == "builtin" ? "" : value;
    } else if (key == "apparmor") {
      read.apparmor = value;
    } else if (key == "systempaths") {
      if (value != "unconfined") return refuse("security_opt/" + option, "invalid --security-opt: \"" + option + "\"");
      read.unconfined_paths = true;
    } else if (key == "writable-cgroups") {
      read.writable_cgroups = value == "true";
    } else if (key != "label") {
      return refuse("security_opt/" + option, "invalid --security-opt: \"" + option + "\"");
    }
  }
  return read;
}

Result<> validate_security(const ContainerSpec& spec, const HostInfo& host) {
  (void)TRY(runtime::apply_capability_changes(runtime::default_capabilities, spec.cap_add, spec.cap_drop));
  const SecurityOptions options = TRY(read_security_options(spec.security_opt));
  if (!options.apparmor.empty() && options.apparmor != "unconfined" && !host.apparmor) {
    return fail(Error(Code::unsupported, "apparmor profile \"" + options.apparmor + "\" can't be used")
                    .why("apparmor is not enabled on this host")
                    .about(Subject::setting, "security_opt"));
  }
  if (!options.seccomp.empty() && options.seccomp != "unconfined" && !trim(options.seccomp).starts_with('{')) {
    return refuse("security_opt",
                  "opening seccomp profile (" + options.seccomp + ") failed: a profile is passed as its content");
  }
  for (const DeviceSpec& device : spec.devices) {
    const bool good = !device.permissions.empty() && device.permissions.find_first_not_of("rwm") == std::string::npos;
    if (!good) return refuse("devices/" + device.host_path, "invalid device mode: " + device.permissions);
    if (!device.host_path.starts_with('/'))
      return refuse("devices/" + device.host_path, "invalid device path: " + device.host_path);
  }
  for (const std::string& rule : spec.device_cgroup_rules)
    if (!parse_device_rule(rule))
      return refuse("device_cgroup_rules/" + rule, "invalid device cgroup rule format: '" + rule + "'");
  return {};
}

}  // namespace consort::engine

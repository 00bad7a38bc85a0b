#include "runtime/defaults.hpp"

namespace consort::runtime {

const std::vector<std::string>& default_masked_paths() {
  static const std::vector<std::string> paths = {
      "/proc/asound",      "/proc/acpi",          "/proc/interrupts", "/proc/kcore",
      "/proc/keys",        "/proc/latency_stats", "/proc/timer_list", "/proc/timer_stats",
      "/proc/sched_debug", "/proc/scsi",          "/sys/firmware",    "/sys/devices/virtual/powercap"};
  return paths;
}

const std::vector<std::string>& default_readonly_paths() {
  static const std::vector<std::string> paths = {"/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys",
                                                 "/proc/sysrq-trigger"};
  return paths;
}

std::vector<Mount> default_mounts(std::uint64_t shm_size) {
  return {
      {"/proc", "proc", "proc", {"nosuid", "noexec", "nodev"}},
      {"/dev", "tmpfs", "tmpfs", {"nosuid", "strictatime", "mode=755", "size=65536k"}},
      {"/dev/pts", "devpts", "devpts", {"nosuid", "noexec", "newinstance", "ptmxmode=0666", "mode=0620", "gid=5"}},
      {"/sys", "sysfs", "sysfs", {"nosuid", "noexec", "nodev", "ro"}},
      {"/sys/fs/cgroup", "cgroup", "cgroup", {"ro", "nosuid", "noexec", "nodev"}},
      {"/dev/mqueue", "mqueue", "mqueue", {"nosuid", "noexec", "nodev"}},
      {"/dev/shm", "tmpfs", "shm", {"nosuid", "noexec", "nodev", "mode=1777", "size=" + std::to_string(shm_size)}},
  };
}

std::vector<DeviceRule> default_device_rules() {
  std::vector<DeviceRule> rules;
  rules.push_back({.allow = false});
  rules.push_back({.allow = true, .type = 'c', .access = "m"});
  rules.push_back({.allow = true, .type = 'b', .access = "m"});
  const auto character = [&rules](std::int64_t major, std::optional<std::int64_t> minor) {
    rules.push_back({.allow = true, .type = 'c', .major = major, .minor = minor, .access = "rwm"});
  };
  character(1, 3);               // null
  character(1, 5);               // zero
  character(1, 7);               // full
  character(1, 8);               // random
  character(1, 9);               // urandom
  character(5, 0);               // tty
  character(5, 1);               // console
  character(5, 2);               // ptmx
  character(136, std::nullopt);  // pts
  character(10, 200);            // net/tun
  return rules;
}

std::vector<Namespace> default_namespaces() {
  return {{NamespaceKind::mount, ""}, {NamespaceKind::pid, ""}, {NamespaceKind::network, ""},
          {NamespaceKind::ipc, ""},   {NamespaceKind::uts, ""}, {NamespaceKind::cgroup, ""}};
}

}  // namespace consort::runtime

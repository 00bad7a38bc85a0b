// The OCI runtime specification's config.json (1.2) for Linux, as types. Unsupported settings are refused if they would
// change what the container may do, and ignored otherwise; see parse_spec().
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"

namespace consort::runtime {

// Consort's annotations. The user of a container is looked up in its own passwd and group files when it starts, as
// Docker does. OCI has only numbers, so the text is an annotation, which overrides process.user.
inline constexpr std::string_view user_annotation = "dev.consort.user";            // "name", "1000", "name:group", ...
inline constexpr std::string_view group_add_annotation = "dev.consort.group-add";  // "audio,1001"
// The ID of the container whose namespace is joined: the path in the spec refers to a process that may be gone.
inline constexpr std::string_view pid_of_annotation = "dev.consort.pid-of";
inline constexpr std::string_view ipc_of_annotation = "dev.consort.ipc-of";
inline constexpr std::string_view init_annotation = "dev.consort.init";  // "true": pid 1 is consort-init

struct IdMapping {
  std::uint32_t container_id = 0;
  std::uint32_t host_id = 0;
  std::uint32_t size = 0;
};

struct User {
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
  std::optional<std::uint32_t> umask;  // none: 0022
  std::vector<std::uint32_t> additional_gids;
  std::string name;                      // user_annotation; "": uid and gid above
  std::vector<std::string> group_names;  // group_add_annotation
};

// Capability sets as the kernel's bit masks: bit 0 is CAP_CHOWN, and so on.
struct Capabilities {
  std::uint64_t bounding = 0;
  std::uint64_t effective = 0;
  std::uint64_t permitted = 0;
  std::uint64_t inheritable = 0;
  std::uint64_t ambient = 0;
};

struct Rlimit {
  int resource = 0;  // RLIMIT_NOFILE, ...
  std::uint64_t soft = 0;
  std::uint64_t hard = 0;
};

// sched_setattr(2); 0 for policies without a priority or periods.
struct Scheduler {
  std::uint32_t policy = 0;  // SCHED_OTHER, ...
  std::int32_t nice = 0;
  std::uint32_t priority = 0;
  std::uint64_t flags = 0;                              // SCHED_FLAG_RESET_ON_FORK, ...
  std::uint64_t runtime = 0, deadline = 0, period = 0;  // nanoseconds
};

struct IoPriority {
  int level = 0;  // IOPRIO_CLASS_RT, ...
  int priority = 0;
};

struct Process {
  bool terminal = false;
  std::uint16_t console_height = 0;
  std::uint16_t console_width = 0;
  User user;
  std::vector<std::string> args;
  std::vector<std::string> env;  // "K=V"; HOME is added at start from the container's passwd when absent
  std::string cwd = "/";
  std::optional<Capabilities> capabilities;  // none: the caller's, as OCI defines
  std::vector<Rlimit> rlimits;
  bool no_new_privileges = false;
  std::optional<int> oom_score_adj;
  std::optional<Scheduler> scheduler;
  std::optional<IoPriority> io_priority;
  std::string initial_affinity, final_affinity;  // for exec: "0-3,7", before and after entering the cgroup
  std::string apparmor_profile, selinux_label;
};

struct Mount {
  std::string destination;
  std::string type;    // "bind" or a file system type; may be empty with the options bind or rbind
  std::string source;  // relative paths start at the bundle
  std::vector<std::string> options;
  std::vector<IdMapping> uid_mappings, gid_mappings;  // for a bind mount: its owners are mapped
};

enum class NamespaceKind : std::uint8_t { mount, pid, network, ipc, uts, cgroup, user, time };

struct Namespace {
  NamespaceKind kind;
  std::string path;  // "": a new namespace
};

struct ClockOffset {
  std::string clock;  // "monotonic", "boottime"
  std::int64_t seconds = 0;
  std::uint32_t nanoseconds = 0;
};

struct Device {
  std::string path;
  char type = 'c';  // c (or u), b, p
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint32_t mode = 0666;
  std::uint32_t uid = 0;
  std::uint32_t gid = 0;
};

struct DeviceRule {
  bool allow = false;
  char type = 'a';                    // a, b, c
  std::optional<std::int64_t> major;  // none: all
  std::optional<std::int64_t> minor;
  std::string access = "rwm";
};

struct ThrottleDevice {
  std::uint32_t major = 0;
  std::uint32_t minor = 0;
  std::uint64_t rate = 0;  // weight, bytes or operations per second
};

struct HugepageLimit {
  std::string page_size;  // "2MB"
  std::uint64_t limit = 0;
};

struct RdmaLimit {
  std::optional<std::uint32_t> handles, objects;
};

// Bytes, microseconds and counts as in OCI (cgroup v1's terms); the cgroup code converts them for v2. -1: unlimited.
struct Resources {
  std::optional<std::int64_t> memory_limit;
  std::optional<std::int64_t> memory_reservation;
  std::optional<std::int64_t> memory_swap;  // memory plus swap, as in v1
  std::optional<std::int64_t> memory_swappiness;
  std::optional<std::int64_t> memory_kernel, memory_kernel_tcp;  // v1 only
  std::optional<bool> disable_oom_killer;
  std::optional<std::uint64_t> cpu_shares;
  std::optional<std::int64_t> cpu_quota;
  std::optional<std::uint64_t> cpu_period;
  std::optional<std::int64_t> cpu_realtime_runtime;
  std::optional<std::uint64_t> cpu_realtime_period;
  std::optional<std::uint64_t> cpu_burst;
  std::optional<std::int64_t> cpu_idle;
  std::string cpuset_cpus;
  std::string cpuset_mems;
  std::optional<std::int64_t> pids_limit;
  std::optional<std::uint16_t> blkio_weight, blkio_leaf_weight;
  std::vector<ThrottleDevice> blkio_weight_device, blkio_leaf_weight_device, read_bps, write_bps, read_iops, write_iops;
  std::vector<HugepageLimit> hugepages;
  std::optional<std::uint32_t> network_class;
  std::map<std::string, std::uint32_t> network_priorities;  // by interface
  std::map<std::string, RdmaLimit> rdma;                    // by device
  std::map<std::string, std::string> unified;               // v2: file name to content
  std::vector<DeviceRule> devices;                          // in order; the last match applies
};

struct Linux {
  std::vector<Namespace> namespaces;
  std::vector<IdMapping> uid_mappings, gid_mappings;
  std::vector<ClockOffset> clock_offsets;
  std::vector<Device> devices;  // beyond those that every container has (null, zero, full, random, urandom, tty)
  Resources resources;
  std::string cgroups_path;        // absolute: below the hierarchy's root; "": /consort/ID
  std::string rootfs_propagation;  // "": rprivate
  std::vector<std::string> masked_paths, readonly_paths;
  std::map<std::string, std::string> sysctl;
  std::optional<unsigned long> personality;  // for personality(2)
  std::string mount_label;
  bool has_seccomp = false;  // compile_seccomp (seccomp.hpp) reads the rules
};

struct Hook {
  std::string path;
  std::vector<std::string> args, env;           // args[0] is the program's name
  std::optional<std::int64_t> timeout_seconds;  // greater than 0
};

struct Hooks {
  std::vector<Hook> prestart, create_runtime, create_container, start_container, poststart, poststop;
  bool any() const;
};

struct Spec {
  std::string oci_version;
  bool has_process = true;  // without one, a container can be created but not started
  Process process;
  std::string root_path = "rootfs";  // relative paths start at the bundle
  bool root_readonly = false;
  std::string hostname;
  std::string domainname;
  std::vector<Mount> mounts;
  std::map<std::string, std::string> annotations;
  Linux linux_;
  Hooks hooks;  // run by bundle.hpp; Launch refuses them

  const Namespace* find_namespace(NamespaceKind kind) const;  // null: shared with the caller
};

// `source` names the text in errors (a path). Refuses Intel RDT and anything malformed. Limits: 4 MiB of text, 4096
// entries in any list.
Result<Spec> parse_spec(std::string_view json, const std::string& source);
// Parses "process" or "linux.resources" on its own, for `exec` and `update`.
Result<Process> parse_process_text(std::string_view json, const std::string& source);
Result<Resources> parse_resources_text(std::string_view json, const std::string& source);
Result<Spec> load_spec(const std::string& bundle);  // bundle/config.json

}  // namespace consort::runtime

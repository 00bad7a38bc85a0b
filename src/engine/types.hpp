// Input and output types of the engine. Names and meanings of the fields are those of Docker's Engine API, which
// src/serve serves over HTTP.
//
// Plain values: no descriptors, no handles, no knowledge of Compose files beyond the names of project and service.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/time.hpp"
#include "supervisor/state.hpp"

namespace consort::engine {

using StringMap = std::map<std::string, std::string>;
using Strings = std::vector<std::string>;

// ---------------------------------------------------------------------------------------------------------------------
// What is wanted of a container

enum class MountType : std::uint8_t { bind, volume, tmpfs, image };

struct MountSpec {
  MountType type = MountType::volume;
  // bind: host path (absolute); volume: its name, empty = a new anonymous one; image: reference or ID; tmpfs: unused.
  std::string source;
  std::string target;  // absolute path in the container
  bool read_only = false;
  std::string propagation;                  // bind: "", "private", "rprivate", "slave", "rslave", "shared", "rshared"
  bool create_host_path = false;            // bind: create a missing source as a directory owned by root, mode 0755
  bool non_recursive = false;               // bind: without the mounts below the source
  bool read_only_non_recursive = false;     // bind: submounts stay writable
  bool read_only_force_recursive = false;   // bind: fail if the kernel cannot make all of it read-only
  std::string selinux;                      // bind: "", "z", "Z"; no effect if SELinux is off
  bool nocopy = false;                      // volume: never copy the image's files into it
  std::string subpath;                      // volume, image: mount only this relative path
  std::optional<std::uint64_t> tmpfs_size;  // bytes
  std::optional<std::uint32_t> tmpfs_mode;
  std::string tmpfs_options;  // further mount options, comma-separated ("uid=5,exec")
  StringMap volume_labels;    // for a volume that this mount creates
  std::string volume_driver;
  StringMap volume_driver_options;
  bool operator==(const MountSpec&) const = default;
};

struct EndpointSpec {
  std::string network;  // name or ID
  Strings aliases;
  std::string ipv4, ipv6;  // requested addresses, without prefix length
  Strings link_local_ips;
  Strings links;  // "container[:alias]": additional names by which this container finds others
  std::string mac_address;
  int priority = 0;     // order of attachment, highest first
  int gw_priority = 0;  // the highest provides the default gateway
  StringMap driver_opts;
  std::string interface_name;  // "" = eth0, eth1, ... in order of attachment
  bool operator==(const EndpointSpec&) const = default;
};

struct PortBinding {
  std::string host_ip;              // "" = 0.0.0.0 and [::]
  std::uint16_t host_port = 0;      // 0 = any free port
  std::uint16_t host_port_end = 0;  // with host_port: use the first free port of this range; 0 = no range
  std::uint16_t container_port = 0;
  std::string protocol = "tcp";  // tcp, udp
  bool operator==(const PortBinding&) const = default;
};

struct HostEntry {
  std::string name;
  std::string address;  // or "host-gateway"
  bool operator==(const HostEntry&) const = default;
};

enum class RestartMode : std::uint8_t { no, on_failure, always, unless_stopped };
struct RestartPolicy {
  RestartMode mode = RestartMode::no;
  unsigned max_retries = 0;  // of on_failure; 0 = no limit
  bool operator==(const RestartPolicy&) const = default;
};

// Unset fields come from the image's health check, then from the defaults of HEALTHCHECK (Docker's Dockerfile
// reference).
struct HealthSpec {
  std::optional<Strings> test;  // {"NONE"}, {"CMD", argv...}, {"CMD-SHELL", line}; unset or empty = the image's
  std::optional<Nanoseconds> interval, timeout, start_period, start_interval;
  std::optional<unsigned> retries;
  bool operator==(const HealthSpec&) const = default;
};

struct DeviceSpec {
  std::string host_path;
  std::string container_path;  // "" = the same
  std::string permissions = "rwm";
  bool operator==(const DeviceSpec&) const = default;
};

struct Ulimit {
  std::string name;                 // "nofile"
  std::int64_t soft = 0, hard = 0;  // -1 = unlimited
  bool operator==(const Ulimit&) const = default;
};

struct BlkioDevice {
  std::string path;
  std::uint64_t value = 0;  // weight, bytes per second or operations per second
  bool operator==(const BlkioDevice&) const = default;
};

// 0 or empty = not set, as in Docker's API; sizes in bytes, CPU times in microseconds.
struct Resources {
  std::int64_t memory = 0;
  std::int64_t memory_swap = 0;  // memory + swap; -1 = unlimited
  std::int64_t memory_reservation = 0;
  std::optional<std::int64_t> memory_swappiness;
  std::int64_t nano_cpus = 0;  // 1e9 = one CPU
  std::int64_t cpu_shares = 0;
  std::int64_t cpu_period = 0, cpu_quota = 0;
  std::int64_t cpu_rt_period = 0, cpu_rt_runtime = 0;
  std::int64_t cpu_count = 0, cpu_percent = 0;  // Windows only: refused
  std::string cpuset_cpus, cpuset_mems;
  std::optional<std::int64_t> pids_limit;  // 0 or negative = no limit
  bool oom_kill_disable = false;
  unsigned blkio_weight = 0;
  std::vector<BlkioDevice> blkio_weight_device;
  std::vector<BlkioDevice> blkio_read_bps, blkio_write_bps, blkio_read_iops, blkio_write_iops;
  bool operator==(const Resources&) const = default;
};

struct LogSpec {
  std::string driver;  // "" = json-file
  StringMap options;
  bool operator==(const LogSpec&) const = default;
};

// A file written to the container's own layer when it is created: the content of a config or a secret.
struct FileContent {
  std::string path;  // absolute, in the container
  std::string content;
  std::uint32_t mode = 0444;
  std::uint32_t uid = 0, gid = 0;
  bool operator==(const FileContent&) const = default;
};

struct ContainerSpec {
  std::string name;     // [a-zA-Z0-9][a-zA-Z0-9_.-]+; empty = generated
  std::string project;  // the project whose supervisor runs it; empty = "default"
  std::string service;
  unsigned number = 1;
  bool oneoff = false;

  std::string image;     // reference as the user wrote it
  std::string image_id;  // "sha256:..." if the caller has resolved it; empty = looked up among the local images
  std::string platform;  // only for choosing among local images

  // nullopt: not given. Empty: see "Understand how CMD and ENTRYPOINT interact" in Docker's Dockerfile reference.
  std::optional<Strings> entrypoint;
  std::optional<Strings> command;
  Strings environment;  // "K=V"; "K" alone removes the image's K
  std::string working_dir;
  std::string user;
  Strings group_add;
  std::string hostname;
  std::string domainname;
  StringMap labels;
  StringMap annotations;

  std::vector<MountSpec> mounts;
  StringMap tmpfs;       // target to options
  Strings volumes_from;  // "container[:ro|:rw]"
  std::vector<FileContent> files;

  // "": the networks below, or the default bridge if there are none. "host", "none", "container:NAME".
  std::string network_mode;
  std::vector<EndpointSpec> networks;
  std::vector<PortBinding> ports;
  Strings expose;  // "80", "80/udp", "8000-8010"
  Strings links;   // "container[:alias]"
  std::vector<HostEntry> extra_hosts;
  Strings dns, dns_search, dns_opt;

  RestartPolicy restart;
  std::optional<HealthSpec> health;
  std::string stop_signal;                  // "" = the image's, else SIGTERM
  std::optional<Nanoseconds> stop_timeout;  // nullopt = 10 s; negative = no limit
  bool tty = false;
  bool open_stdin = false;
  std::optional<bool> init;
  bool auto_remove = false;

  bool privileged = false;
  Strings cap_add, cap_drop;
  Strings security_opt;
  std::vector<DeviceSpec> devices;
  Strings device_cgroup_rules;
  Strings device_requests;  // GPUs: refused, by name
  std::vector<Ulimit> ulimits;
  StringMap sysctls;
  std::optional<std::uint64_t> shm_size;
  bool read_only = false;
  std::string pid_mode, ipc_mode, uts_mode, cgroup_mode, userns_mode;
  std::string cgroup_parent;
  Resources resources;
  int oom_score_adj = 0;
  StringMap storage_opt;
  std::string isolation;  // only "" and "default"

  LogSpec log;
  std::string runtime;  // "" = the built-in one; otherwise a program ("runc", or a path)
  bool operator==(const ContainerSpec&) const = default;
};

// ---------------------------------------------------------------------------------------------------------------------
// What a container is

using supervisor::BoundPort;
using supervisor::ContainerState;
using supervisor::HealthResult;
using supervisor::HealthState;
using supervisor::HealthStatus;
using supervisor::LogTrouble;
using supervisor::LostPort;
using supervisor::Status;

struct MountPoint {
  MountType type = MountType::volume;
  std::string name;    // of a volume
  std::string source;  // on the host
  std::string target;
  bool read_only = false;
  std::string propagation;  // for a bind, as in MountSpec
  bool anonymous = false;   // a volume without its own name: removed by `rm -v`, kept when the container is recreated
  bool operator==(const MountPoint&) const = default;
};

struct Endpoint {
  std::string network;  // name
  std::string network_id;
  Strings aliases;
  std::string ipv4, ipv6, gateway4, gateway6, mac_address;  // empty while not running
  int prefix4 = 0, prefix6 = 0;
  bool bridged = true;  // false: it is on the host's own network (macvlan, ipvlan)
  EndpointSpec wanted;
  bool operator==(const Endpoint&) const = default;
};

// The summary that list() returns: enough for the planner and for `ps`, cheap to load.
struct Container {
  std::string id;  // 64 hexadecimal digits
  std::string name;
  std::string project, service;
  unsigned number = 1;
  bool oneoff = false;
  std::string image;     // as requested
  std::string image_id;  // "sha256:..."
  Strings command;       // merged entrypoint and command
  SystemTime created_at;
  StringMap labels;  // the image's and the container's
  RestartPolicy restart;
  std::vector<MountPoint> mounts;
  std::string network_mode;
  std::vector<Endpoint> networks;
  std::vector<PortBinding> ports;  // as requested
  Strings exposed;                 // "5432/tcp"
  bool tty = false;
  bool open_stdin = false;
  ContainerState state;
};

// The merged configuration of image and container (engine/container/merge.hpp).
struct ProcessConfig {
  Strings argv;
  std::string path;  // argv[0] before `init` is prepended
  Strings entrypoint, command;
  Strings environment;  // without the variables that the engine adds at start (HOSTNAME, HOME)
  std::string working_dir;
  std::string user;
  StringMap labels;
  Strings exposed;  // "5432/tcp", sorted
  Strings volumes;  // the image's VOLUME paths
  std::string stop_signal;
  std::optional<HealthSpec> health;  // every field set; nullopt = no check
  Strings shell;                     // the image's SHELL
  bool operator==(const ProcessConfig&) const = default;
};

struct ContainerDetails : Container {
  ContainerSpec spec;
  ProcessConfig process;
  std::string hostname, domainname;
};

// ---------------------------------------------------------------------------------------------------------------------
// Networks and volumes

struct AddressPool {
  std::string subnet;    // CIDR
  std::string ip_range;  // CIDR within the subnet; "" = all of it
  std::string gateway;   // "" = the first address
  StringMap aux_addresses;
  bool operator==(const AddressPool&) const = default;
};

struct NetworkSpec {
  std::string name;
  std::string project;  // for accounting only
  std::string driver;   // "" = bridge
  StringMap driver_opts;
  std::string ipam_driver;
  StringMap ipam_options;
  std::vector<AddressPool> pools;  // empty = the next free subnet
  bool internal = false;
  bool attachable = false;
  bool enable_ipv4 = true;
  bool enable_ipv6 = false;
  bool chosen_pools = false;  // in results: the engine chose the subnets, so endpoints cannot request fixed addresses
  StringMap labels;
  bool operator==(const NetworkSpec&) const = default;
};

struct Network {
  std::string id;
  NetworkSpec spec;    // including the chosen pools
  std::string bridge;  // interface on the host
  SystemTime created_at;
  Strings container_ids;  // containers with an endpoint now; set only by inspect_network()
};

struct VolumeSpec {
  std::string name;    // empty = anonymous, 64 hexadecimal digits
  std::string driver;  // "" = local
  StringMap driver_opts;
  StringMap labels;
  bool operator==(const VolumeSpec&) const = default;
};

struct Volume {
  VolumeSpec spec;
  std::string mountpoint;  // the directory on the host
  bool anonymous = false;
  SystemTime created_at;
};

// ---------------------------------------------------------------------------------------------------------------------
// Events: GET /events of Docker's Engine API

struct EngineEvent {
  std::uint64_t serial = 0;  // increasing; 0: the event is from a project's journal
  SystemTime time;
  std::string type;    // container, network, volume, image
  std::string action;  // create, start, die, ...
  std::string id;
  std::string project;
  StringMap attributes;  // for a container, its labels are included
};

}  // namespace consort::engine

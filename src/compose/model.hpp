// The typed model of a Compose project: the contents of its files after merging, interpolation and normalization. It is
// a value: nothing is changed after loading; functions that select services return a new Project.
//
// Conventions: std::optional where it matters whether a value was given; otherwise an empty string, list or map means
// "not given". Durations are in nanoseconds, sizes in bytes. Maps are sorted bytewise by key. Section names refer to
// the Compose specification.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/mark.hpp"
#include "compose/boxed.hpp"
#include "compose/node.hpp"

namespace consort::compose {

using Duration = std::chrono::nanoseconds;
using Strings = std::vector<std::string>;
using StringMap = std::map<std::string, std::string>;
// A key without a value is nullopt.
using OptionalStringMap = std::map<std::string, std::optional<std::string>>;
using Extensions = std::map<std::string, Node>;  // x-*

struct Ulimit {
  std::int64_t soft = 0;  // -1 = unlimited
  std::int64_t hard = 0;
  bool single = false;  // written as a single number, which is the value of both soft and hard
};
using Ulimits = std::map<std::string, Ulimit>;

// extra_hosts: host -> addresses. "host-gateway" counts as an address.
using HostsList = std::map<std::string, Strings>;

// A service's reference to a top-level secret or config (section "configs/secrets").
struct FileReference {
  std::string source;  // top-level key
  std::string target;  // path inside the container; relative paths start at /run/secrets or /
  std::string uid;
  std::string gid;
  std::optional<std::uint32_t> mode;  // 0440 means octal 0440
  Extensions extensions;
};

struct SshKey {
  std::string id;    // "default"
  std::string path;  // socket or key file; empty = the default agent
};

struct Build {
  std::string context;
  std::string dockerfile;  // relative to the context
  std::string dockerfile_inline;
  Strings entitlements;
  OptionalStringMap args;
  std::string provenance;
  std::string sbom;
  std::vector<SshKey> ssh;
  StringMap labels;
  Strings cache_from;
  Strings cache_to;
  Strings no_cache_filter;  // stages that ignore the cache
  bool no_cache = false;
  StringMap additional_contexts;
  bool pull = false;
  HostsList extra_hosts;
  std::string isolation;
  std::string network;
  std::string target;
  std::vector<FileReference> secrets;
  std::int64_t shm_size = 0;
  Strings tags;
  Ulimits ulimits;
  Strings platforms;
  bool privileged = false;
  Extensions extensions;
};

// A command run inside the container: lifecycle hooks and the exec action of watch.
struct Hook {
  std::optional<Strings> command;
  std::string user;
  bool privileged = false;
  std::string working_dir;
  OptionalStringMap environment;
  Extensions extensions;
};

struct WatchTrigger {
  std::string path;
  std::string action;  // rebuild, sync, restart, sync+restart, sync+exec
  std::string target;
  Hook exec;
  Strings include;
  Strings ignore;
  bool initial_sync = false;
  Extensions extensions;
};

struct Develop {
  std::vector<WatchTrigger> watch;
  Extensions extensions;
};

struct WeightDevice {
  std::string path;
  std::uint16_t weight = 0;
  Extensions extensions;
};
struct ThrottleDevice {
  std::string path;
  std::int64_t rate = 0;
  Extensions extensions;
};
struct BlkioConfig {
  std::uint16_t weight = 0;
  std::vector<WeightDevice> weight_device;
  std::vector<ThrottleDevice> device_read_bps;
  std::vector<ThrottleDevice> device_read_iops;
  std::vector<ThrottleDevice> device_write_bps;
  std::vector<ThrottleDevice> device_write_iops;
  Extensions extensions;
};

struct CredentialSpec {
  std::string config;
  std::string file;
  std::string registry;
  Extensions extensions;
};

enum class DependencyCondition : std::uint8_t { started, healthy, completed_successfully };

struct Dependency {
  DependencyCondition condition = DependencyCondition::started;
  bool restart = false;
  bool required = true;
  Extensions extensions;
};

// count: -1 = all; nullopt if device_ids is given.
struct DeviceRequest {
  Strings capabilities;
  std::string driver;
  std::optional<std::int64_t> count;
  Strings device_ids;
  StringMap options;
};

struct GenericResource {
  std::string kind;
  std::int64_t value = 0;
  Extensions extensions;
};
struct ResourceLimits {
  double cpus = 0;
  std::int64_t memory = 0;
  std::int64_t pids = 0;
  std::vector<DeviceRequest> devices;
  std::vector<GenericResource> generic_resources;
  Extensions extensions;
};
struct Resources {
  std::optional<ResourceLimits> limits;
  std::optional<ResourceLimits> reservations;
  Extensions extensions;
};
struct RestartPolicy {
  std::string condition;  // none, on-failure, any
  std::optional<Duration> delay;
  std::optional<std::uint64_t> max_attempts;
  std::optional<Duration> window;
  Extensions extensions;
};
struct UpdateConfig {
  std::optional<std::uint64_t> parallelism;
  Duration delay{};
  std::string failure_action;
  Duration monitor{};
  float max_failure_ratio = 0;
  std::string order;
  Extensions extensions;
};
struct PlacementPreference {
  std::string spread;
  Extensions extensions;
};
struct Placement {
  Strings constraints;
  std::vector<PlacementPreference> preferences;
  std::uint64_t max_replicas_per_node = 0;
  Extensions extensions;
};
struct Deploy {
  std::string mode;
  std::optional<int> replicas;
  StringMap labels;
  std::optional<UpdateConfig> update_config;
  std::optional<UpdateConfig> rollback_config;
  Resources resources;
  std::optional<RestartPolicy> restart_policy;
  Placement placement;
  std::string endpoint_mode;
  Extensions extensions;
};

struct Device {
  std::string source;
  std::string target;
  std::string permissions;  // rwm
  Extensions extensions;
};

struct EnvFile {
  std::string path;
  bool required = true;
  std::string format;  // "" or raw
};

struct HealthCheck {
  Strings test;  // {"CMD", ...}, {"CMD-SHELL", text}, {"NONE"}; empty = the image's
  std::optional<Duration> timeout;
  std::optional<Duration> interval;
  std::optional<std::uint64_t> retries;
  std::optional<Duration> start_period;
  std::optional<Duration> start_interval;
  bool disable = false;
  Extensions extensions;
};

struct Logging {
  std::string driver;
  StringMap options;
  Extensions extensions;
};

struct ServiceModel {
  std::string endpoint_variable;
  std::string model_variable;
  Extensions extensions;
  bool given = false;  // false: the entry was null
};

struct NetworkAttachment {
  Strings aliases;
  std::string interface_name;
  std::string ipv4_address;
  std::string ipv6_address;
  Strings link_local_ips;
  std::string mac_address;
  StringMap driver_opts;
  std::int64_t gw_priority = 0;
  std::int64_t priority = 0;
  Extensions extensions;
  bool given = false;  // false: the entry was null
};

struct Port {
  std::string name;
  std::string mode;  // ingress, host; no effect here
  std::string host_ip;
  std::uint32_t target = 0;
  std::string published;  // "", "8000" or "8000-9000"
  std::string protocol;   // tcp, udp, sctp
  std::string app_protocol;
  Extensions extensions;
};

struct BindOptions {
  std::string selinux;
  std::string propagation;
  bool create_host_path = false;
  std::string recursive;
  Extensions extensions;
};
struct VolumeOptions {
  StringMap labels;
  bool nocopy = false;
  std::string subpath;
  Extensions extensions;
};
struct TmpfsOptions {
  std::int64_t size = 0;
  std::uint32_t mode = 0;
  Extensions extensions;
};
struct ImageOptions {
  std::string subpath;
  Extensions extensions;
};
enum class MountType : std::uint8_t { bind, volume, tmpfs, image, npipe, cluster };

struct Mount {
  MountType type = MountType::volume;
  std::string source;  // host path, top-level volume key, or image reference; empty = anonymous
  std::string target;
  bool read_only = false;
  std::string consistency;
  std::optional<BindOptions> bind;
  std::optional<VolumeOptions> volume;
  std::optional<TmpfsOptions> tmpfs;
  std::optional<ImageOptions> image;
  Extensions extensions;
};

struct Provider {
  std::string type;
  std::map<std::string, Strings> options;
  Extensions extensions;
};

struct PreStartHook;

struct JobSchedule {
  std::string cron;
  std::string timezone;      // IANA; empty = UTC
  std::string concurrency;   // forbid, queue
  std::string missed_fires;  // one, skip
  Extensions extensions;
};
// What starts a job: `run`, unless `manual` is false, and its schedule.
struct JobTriggers {
  std::optional<bool> manual;
  std::vector<JobSchedule> schedule;
  Extensions extensions;
};

// In the order in which `config` prints the attributes.
struct Service {
  std::string name;
  Strings profiles;
  StringMap annotations;
  std::optional<bool> attach;
  Boxed<Build> build;
  Boxed<Develop> develop;
  Boxed<BlkioConfig> blkio_config;
  Strings cap_add;
  Strings cap_drop;
  std::string cgroup_parent;
  std::string cgroup;
  std::int64_t cpu_count = 0;
  float cpu_percent = 0;
  std::int64_t cpu_period = 0;
  std::int64_t cpu_quota = 0;
  std::int64_t cpu_rt_period = 0;
  std::int64_t cpu_rt_runtime = 0;
  float cpus = 0;
  std::string cpuset;
  std::int64_t cpu_shares = 0;
  std::optional<Strings> command;  // nullopt = the image's; empty = explicitly none
  std::vector<FileReference> configs;
  std::string container_name;
  Boxed<CredentialSpec> credential_spec;
  std::map<std::string, Dependency> depends_on;  // including implied ones (links, network_mode: service:x, ...)
  Boxed<Deploy> deploy;
  Strings device_cgroup_rules;
  std::vector<Device> devices;
  Strings dns;
  Strings dns_opt;
  Strings dns_search;
  std::string domainname;
  std::optional<Strings> entrypoint;
  Boxed<Provider> provider;
  OptionalStringMap environment;  // including values from env_file
  std::vector<EnvFile> env_file;  // empty once resolved into environment
  Strings expose;
  Strings external_links;
  HostsList extra_hosts;
  std::vector<DeviceRequest> gpus;
  Strings group_add;
  std::string hostname;
  std::optional<HealthCheck> healthcheck;
  std::string image;  // may be empty with build: the built image is called PROJECT-SERVICE
  std::optional<bool> init;
  std::string ipc;
  std::string isolation;
  StringMap labels;
  Strings label_file;
  Strings links;
  std::optional<Logging> logging;
  std::int64_t mem_limit = 0;
  std::int64_t mem_reservation = 0;
  std::int64_t memswap_limit = 0;
  std::int64_t mem_swappiness = 0;
  std::string mac_address;
  std::map<std::string, ServiceModel> models;
  std::string network_mode;
  std::map<std::string, NetworkAttachment> networks;  // by top-level key
  bool oom_kill_disable = false;
  std::int64_t oom_score_adj = 0;
  std::string pid;
  std::int64_t pids_limit = 0;
  std::string platform;
  std::vector<Port> ports;
  bool privileged = false;
  std::string pull_policy;
  bool read_only = false;
  std::string restart;
  std::string runtime;
  std::optional<int> scale;
  std::vector<FileReference> secrets;
  Strings security_opt;
  std::int64_t shm_size = 0;
  bool stdin_open = false;
  std::optional<Duration> stop_grace_period;
  std::string stop_signal;
  StringMap storage_opt;
  StringMap sysctls;
  Strings tmpfs;
  bool tty = false;
  Ulimits ulimits;
  bool use_api_socket = false;
  std::string user;
  std::string userns_mode;
  std::string uts;
  std::vector<Mount> volumes;
  Strings volumes_from;
  std::string working_dir;
  std::vector<PreStartHook> pre_start;
  std::vector<Hook> post_start;
  std::vector<Hook> pre_stop;
  Boxed<JobTriggers> triggers;  // for jobs, which are represented as services that run to completion
  Extensions extensions;

  Mark mark;  // position of the service's name in the user's file

  int replicas() const { return scale.value_or(deploy ? deploy->replicas.value_or(1) : 1); }
};

// A container of its own that runs to completion before its service starts.
struct PreStartHook {
  Service own;  // as specified in the file
  bool per_replica = false;
  Service container;  // including what it inherits from its service, by the rules for merging files
};

struct IpamPool {
  std::string subnet;
  std::string gateway;
  std::string ip_range;
  StringMap aux_addresses;
  Extensions extensions;
};
struct Ipam {
  std::string driver;
  StringMap options;
  std::vector<IpamPool> config;
  Extensions extensions;
};
struct Network {
  std::string name;  // the actual name: PROJECT_KEY, or as given
  std::string driver;
  StringMap driver_opts;
  Ipam ipam;
  bool external = false;
  bool internal = false;
  bool attachable = false;
  StringMap labels;
  std::optional<bool> enable_ipv4;
  std::optional<bool> enable_ipv6;
  Extensions extensions;
  Mark mark;
};

struct Volume {
  std::string name;  // the actual name
  std::string driver;
  StringMap driver_opts;
  bool external = false;
  StringMap labels;
  Extensions extensions;
  Mark mark;
};

// A top-level config or secret. Exactly one of file, environment, content, external is used.
struct FileObject {
  std::string name;
  std::string file;         // absolute path on the host
  std::string environment;  // name of the variable that contains the value
  std::string content;      // configs: as given; secrets and environment: the resolved value
  bool external = false;
  StringMap labels;
  std::string driver;
  StringMap driver_opts;
  std::string template_driver;
  Extensions extensions;
  Mark mark;
};

struct Model {
  std::string name;
  std::string model;
  std::int64_t context_size = 0;
  Strings runtime_flags;
  Extensions extensions;
  Mark mark;
};

class Sources;

struct Project {
  std::string name;
  std::string working_directory;                     // absolute; relative paths are resolved against it
  Strings compose_files;                             // absolute paths, "-" for standard input
  StringMap environment;                             // the project environment, for later lookups
  Strings profiles;                                  // active profiles
  std::map<std::string, Service> services;           // active
  std::map<std::string, Service> disabled_services;  // disabled by profile or selection: not orphans
  std::map<std::string, Service> jobs;               // active; a job never has the name of a service
  std::map<std::string, Service> disabled_jobs;      // disabled by profile
  std::map<std::string, Network> networks;
  std::map<std::string, Volume> volumes;
  std::map<std::string, FileObject> secrets;
  std::map<std::string, FileObject> configs;
  std::map<std::string, Model> models;
  Extensions extensions;
  bool keep_unused_resources = false;  // --all-resources

  // The position in the user's files of the value at a path, or of its nearest ancestor that has one:
  // locate({"services", "web", "ports", "0"}). Empty if unknown (line 0).
  Mark locate(const Strings& path) const;
  // The source line of a mark, for diagnostics created later; "" if unknown.
  std::string line_at(const Mark& mark) const;

  // The data for locate(): the merged tree and the texts it was read from.
  std::shared_ptr<const Node> tree;
  std::shared_ptr<const Sources> sources;
};

}  // namespace consort::compose

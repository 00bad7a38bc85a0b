#include "engine/records/json_text.hpp"

#include <type_traits>

#include "base/json.hpp"

namespace consort::engine {

namespace {

// One list of fields per type serves both directions: describe() names each member to a visitor.
template <typename V>
void describe(V& v, MountSpec*) {
  using T = MountSpec;
  v("type", &T::type);
  v("source", &T::source);
  v("target", &T::target);
  v("read_only", &T::read_only);
  v("propagation", &T::propagation);
  v("create_host_path", &T::create_host_path);
  v("non_recursive", &T::non_recursive);
  v("read_only_non_recursive", &T::read_only_non_recursive);
  v("read_only_force_recursive", &T::read_only_force_recursive);
  v("selinux", &T::selinux);
  v("nocopy", &T::nocopy);
  v("subpath", &T::subpath);
  v("tmpfs_size", &T::tmpfs_size);
  v("tmpfs_mode", &T::tmpfs_mode);
  v("tmpfs_options", &T::tmpfs_options);
  v("volume_labels", &T::volume_labels);
  v("volume_driver", &T::volume_driver);
  v("volume_driver_options", &T::volume_driver_options);
}

template <typename V>
void describe(V& v, EndpointSpec*) {
  using T = EndpointSpec;
  v("network", &T::network);
  v("aliases", &T::aliases);
  v("ipv4", &T::ipv4);
  v("ipv6", &T::ipv6);
  v("link_local_ips", &T::link_local_ips);
  v("links", &T::links);
  v("mac_address", &T::mac_address);
  v("priority", &T::priority);
  v("gw_priority", &T::gw_priority);
  v("driver_opts", &T::driver_opts);
  v("interface_name", &T::interface_name);
}

template <typename V>
void describe(V& v, PortBinding*) {
  using T = PortBinding;
  v("host_ip", &T::host_ip);
  v("host_port", &T::host_port);
  v("host_port_end", &T::host_port_end);
  v("container_port", &T::container_port);
  v("protocol", &T::protocol);
}

template <typename V>
void describe(V& v, HostEntry*) {
  v("name", &HostEntry::name);
  v("address", &HostEntry::address);
}

template <typename V>
void describe(V& v, RestartPolicy*) {
  v("mode", &RestartPolicy::mode);
  v("max_retries", &RestartPolicy::max_retries);
}

template <typename V>
void describe(V& v, HealthSpec*) {
  using T = HealthSpec;
  v("test", &T::test);
  v("interval", &T::interval);
  v("timeout", &T::timeout);
  v("start_period", &T::start_period);
  v("start_interval", &T::start_interval);
  v("retries", &T::retries);
}

template <typename V>
void describe(V& v, DeviceSpec*) {
  v("host_path", &DeviceSpec::host_path);
  v("container_path", &DeviceSpec::container_path);
  v("permissions", &DeviceSpec::permissions);
}

template <typename V>
void describe(V& v, Ulimit*) {
  v("name", &Ulimit::name);
  v("soft", &Ulimit::soft);
  v("hard", &Ulimit::hard);
}

template <typename V>
void describe(V& v, BlkioDevice*) {
  v("path", &BlkioDevice::path);
  v("value", &BlkioDevice::value);
}

template <typename V>
void describe(V& v, Resources*) {
  using T = Resources;
  v("memory", &T::memory);
  v("memory_swap", &T::memory_swap);
  v("memory_reservation", &T::memory_reservation);
  v("memory_swappiness", &T::memory_swappiness);
  v("nano_cpus", &T::nano_cpus);
  v("cpu_shares", &T::cpu_shares);
  v("cpu_period", &T::cpu_period);
  v("cpu_quota", &T::cpu_quota);
  v("cpu_rt_period", &T::cpu_rt_period);
  v("cpu_rt_runtime", &T::cpu_rt_runtime);
  v("cpu_count", &T::cpu_count);
  v("cpu_percent", &T::cpu_percent);
  v("cpuset_cpus", &T::cpuset_cpus);
  v("cpuset_mems", &T::cpuset_mems);
  v("pids_limit", &T::pids_limit);
  v("oom_kill_disable", &T::oom_kill_disable);
  v("blkio_weight", &T::blkio_weight);
  v("blkio_weight_device", &T::blkio_weight_device);
  v("blkio_read_bps", &T::blkio_read_bps);
  v("blkio_write_bps", &T::blkio_write_bps);
  v("blkio_read_iops", &T::blkio_read_iops);
  v("blkio_write_iops", &T::blkio_write_iops);
}

template <typename V>
void describe(V& v, LogSpec*) {
  v("driver", &LogSpec::driver);
  v("options", &LogSpec::options);
}

template <typename V>
void describe(V& v, FileContent*) {
  using T = FileContent;
  v("path", &T::path);
  v("content", &T::content);
  v("mode", &T::mode);
  v("uid", &T::uid);
  v("gid", &T::gid);
}

template <typename V>
void describe(V& v, ContainerSpec*) {
  using T = ContainerSpec;
  v("name", &T::name);
  v("project", &T::project);
  v("service", &T::service);
  v("number", &T::number);
  v("oneoff", &T::oneoff);
  v("image", &T::image);
  v("image_id", &T::image_id);
  v("platform", &T::platform);
  v("entrypoint", &T::entrypoint);
  v("command", &T::command);
  v("environment", &T::environment);
  v("working_dir", &T::working_dir);
  v("user", &T::user);
  v("group_add", &T::group_add);
  v("hostname", &T::hostname);
  v("domainname", &T::domainname);
  v("labels", &T::labels);
  v("annotations", &T::annotations);
  v("mounts", &T::mounts);
  v("tmpfs", &T::tmpfs);
  v("volumes_from", &T::volumes_from);
  v("files", &T::files);
  v("network_mode", &T::network_mode);
  v("networks", &T::networks);
  v("ports", &T::ports);
  v("expose", &T::expose);
  v("links", &T::links);
  v("extra_hosts", &T::extra_hosts);
  v("dns", &T::dns);
  v("dns_search", &T::dns_search);
  v("dns_opt", &T::dns_opt);
  v("restart", &T::restart);
  v("health", &T::health);
  v("stop_signal", &T::stop_signal);
  v("stop_timeout", &T::stop_timeout);
  v("tty", &T::tty);
  v("open_stdin", &T::open_stdin);
  v("init", &T::init);
  v("auto_remove", &T::auto_remove);
  v("privileged", &T::privileged);
  v("cap_add", &T::cap_add);
  v("cap_drop", &T::cap_drop);
  v("security_opt", &T::security_opt);
  v("devices", &T::devices);
  v("device_cgroup_rules", &T::device_cgroup_rules);
  v("device_requests", &T::device_requests);
  v("ulimits", &T::ulimits);
  v("sysctls", &T::sysctls);
  v("shm_size", &T::shm_size);
  v("read_only", &T::read_only);
  v("pid_mode", &T::pid_mode);
  v("ipc_mode", &T::ipc_mode);
  v("uts_mode", &T::uts_mode);
  v("cgroup_mode", &T::cgroup_mode);
  v("userns_mode", &T::userns_mode);
  v("cgroup_parent", &T::cgroup_parent);
  v("resources", &T::resources);
  v("oom_score_adj", &T::oom_score_adj);
  v("storage_opt", &T::storage_opt);
  v("isolation", &T::isolation);
  v("log", &T::log);
  v("runtime", &T::runtime);
}

template <typename V>
void describe(V& v, MountPoint*) {
  using T = MountPoint;
  v("type", &T::type);
  v("name", &T::name);
  v("source", &T::source);
  v("target", &T::target);
  v("read_only", &T::read_only);
  v("propagation", &T::propagation);
  v("anonymous", &T::anonymous);
}

template <typename V>
void describe(V& v, Container*) {
  using T = Container;
  v("image", &T::image);
  v("command", &T::command);
  v("labels", &T::labels);
  v("restart", &T::restart);
  v("mounts", &T::mounts);
  v("network_mode", &T::network_mode);
  v("ports", &T::ports);
  v("exposed", &T::exposed);
  v("tty", &T::tty);
  v("open_stdin", &T::open_stdin);
}

template <typename V>
void describe(V& v, ProcessConfig*) {
  using T = ProcessConfig;
  v("argv", &T::argv);
  v("path", &T::path);
  v("entrypoint", &T::entrypoint);
  v("command", &T::command);
  v("environment", &T::environment);
  v("working_dir", &T::working_dir);
  v("user", &T::user);
  v("labels", &T::labels);
  v("exposed", &T::exposed);
  v("volumes", &T::volumes);
  v("stop_signal", &T::stop_signal);
  v("health", &T::health);
  v("shell", &T::shell);
}

template <typename V>
void describe(V& v, AddressPool*) {
  using T = AddressPool;
  v("subnet", &T::subnet);
  v("ip_range", &T::ip_range);
  v("gateway", &T::gateway);
  v("aux_addresses", &T::aux_addresses);
}

template <typename V>
void describe(V& v, NetworkSpec*) {
  using T = NetworkSpec;
  v("name", &T::name);
  v("project", &T::project);
  v("driver", &T::driver);
  v("driver_opts", &T::driver_opts);
  v("ipam_driver", &T::ipam_driver);
  v("ipam_options", &T::ipam_options);
  v("pools", &T::pools);
  v("internal", &T::internal);
  v("attachable", &T::attachable);
  v("enable_ipv4", &T::enable_ipv4);
  v("enable_ipv6", &T::enable_ipv6);
  v("chosen_pools", &T::chosen_pools);
  v("labels", &T::labels);
}

template <typename V>
void describe(V& v, VolumeSpec*) {
  using T = VolumeSpec;
  v("name", &T::name);
  v("driver", &T::driver);
  v("driver_opts", &T::driver_opts);
  v("labels", &T::labels);
}

// ---- writing --------------------------------------------------------------------------------------------------------

template <typename T>
Json write(const T& value);
inline Json write(const Nanoseconds& value) {
  return value.count();
}
inline Json write(const StringMap& map) {
  Json object = Json::object();
  for (const auto& [key, value] : map) object.push_back({key, value});
  return object;
}
template <typename T>
Json write(const std::vector<T>& list) {
  Json array = Json::array();
  for (const T& item : list) array.push_back(write(item));
  return array;
}
template <typename T>
Json write(const std::optional<T>& value) {
  return value ? write(*value) : Json();
}

template <typename T>
struct Writer {
  const T& object;
  T defaults{};
  Json out = Json::object();
  template <typename M, typename C>
  void operator()(const char* key, M C::*member) {
    if (!(object.*member == defaults.*member)) out.push_back({key, write(object.*member)});
  }
};

template <typename T>
Json write(const T& value) {
  if constexpr (std::is_enum_v<T>) {
    return static_cast<int>(value);
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
    return value;
  } else {
    Writer<T> writer{value};
    describe(writer, static_cast<T*>(nullptr));
    return std::move(writer.out);
  }
}

// ---- reading (throws nlohmann's exceptions, caught in from_json)
// ------------------------------------------------------

template <typename T>
void read(const Json& json, T& into);
inline void read(const Json& json, Nanoseconds& into) {
  into = Nanoseconds(json.get<std::int64_t>());
}
inline void read(const Json& json, StringMap& into) {
  for (const auto& [key, value] : json.items()) into[key] = value.get<std::string>();
}
template <typename T>
void read(const Json& json, std::vector<T>& into) {
  into.clear();
  into.reserve(json.size());
  for (const Json& item : json) read(item, into.emplace_back());
}
template <typename T>
void read(const Json& json, std::optional<T>& into) {
  if (json.is_null()) return into.reset();
  read(json, into.emplace());
}

template <typename T>
struct Reader {
  T& object;
  const Json& in;
  template <typename M, typename C>
  void operator()(const char* key, M C::*member) {
    if (const auto found = in.find(key); found != in.end()) read(*found, object.*member);
  }
};

template <typename T>
void read(const Json& json, T& into) {
  if constexpr (std::is_enum_v<T>) {
    into = static_cast<T>(json.get<int>());
  } else if constexpr (std::is_arithmetic_v<T> || std::is_same_v<T, std::string>) {
    into = json.get<T>();
  } else {
    Reader<T> reader{into, json};
    describe(reader, static_cast<T*>(nullptr));
  }
}

}  // namespace

std::string to_json(const ContainerSpec& spec) {
  return dump_json(write(spec));
}
std::string to_json(const ProcessConfig& process) {
  return dump_json(write(process));
}
std::string to_json(const Container& container) {
  return dump_json(write(container));
}
std::string to_json(const EndpointSpec& endpoint) {
  return dump_json(write(endpoint));
}
std::string to_json(const NetworkSpec& spec) {
  return dump_json(write(spec));
}
std::string to_json(const VolumeSpec& spec) {
  return dump_json(write(spec));
}
std::string to_json(const StringMap& map) {
  return dump_json(write(map));
}

template <typename T>
Result<T> from_json(std::string_view text, const char* source) {
  const Json json = TRY(parse_json(text, source));
  T value{};
  try {
    read(json, value);
  } catch (const nlohmann::json::exception& e) {
    return fail(Error(Code::internal, "read record").on(source).why(e.what()));
  }
  return value;
}
template Result<ContainerSpec> from_json(std::string_view, const char*);
template Result<ProcessConfig> from_json(std::string_view, const char*);
template Result<Container> from_json(std::string_view, const char*);
template Result<EndpointSpec> from_json(std::string_view, const char*);
template Result<NetworkSpec> from_json(std::string_view, const char*);
template Result<VolumeSpec> from_json(std::string_view, const char*);
template Result<StringMap> from_json(std::string_view, const char*);

}  // namespace consort::engine

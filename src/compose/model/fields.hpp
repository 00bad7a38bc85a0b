// One list of attributes for each type of the model, in the order in which `config` prints them. The decoder, the
// encoder and the tests use the same lists, so an attribute cannot be read but not printed.
#pragma once

#include <concepts>
#include <type_traits>

#include "compose/model.hpp"

namespace consort::compose {

// How a member is written if its C++ type does not determine that.
enum class Form : std::uint8_t {
  normal,
  size,         // bytes: reads "512m", prints "536870912"
  rate,         // the same, but printed even if zero
  text_number,  // a number printed as a string
  octal,        // file modes: "0440"
  shell,        // command line: a string is split into words
  health_test,  // a string is {"CMD-SHELL", string}
  always,       // printed even if empty or false
  json_always,  // the same, but only in JSON
  hosts,        // list of "host=address", or mapping
  one_or_many,  // a string stands for a list with one element
  texts,        // only strings and integers
};

// `fields(v, value)` calls v.field(key, member, form) for each attribute, and finally v.extensions(member).
template <class V, class T>
void fields(V& v, T& value);

#define CONSORT_FIELDS(TYPE)                          \
  template <class V, class T>                         \
  requires std::same_as<std::remove_const_t<T>, TYPE> \
  void fields_of(V& v, T& x)

CONSORT_FIELDS(FileReference) {
  v.field("source", x.source);
  v.field("target", x.target);
  v.field("uid", x.uid);
  v.field("gid", x.gid);
  v.field("mode", x.mode, Form::octal);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Build) {
  v.field("context", x.context);
  v.field("dockerfile", x.dockerfile);
  v.field("dockerfile_inline", x.dockerfile_inline);
  v.field("entitlements", x.entitlements);
  v.field("args", x.args);
  v.field("provenance", x.provenance);
  v.field("sbom", x.sbom);
  v.field("ssh", x.ssh);
  v.field("labels", x.labels);
  v.field("cache_from", x.cache_from);
  v.field("cache_to", x.cache_to);
  v.field("no_cache", x.no_cache);
  v.field("no_cache_filter", x.no_cache_filter);
  v.field("additional_contexts", x.additional_contexts);
  v.field("pull", x.pull);
  v.field("extra_hosts", x.extra_hosts, Form::hosts);
  v.field("isolation", x.isolation);
  v.field("network", x.network);
  v.field("target", x.target);
  v.field("secrets", x.secrets);
  v.field("shm_size", x.shm_size, Form::size);
  v.field("tags", x.tags);
  v.field("ulimits", x.ulimits);
  v.field("platforms", x.platforms);
  v.field("privileged", x.privileged);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Hook) {
  v.field("command", x.command, Form::shell);
  v.field("user", x.user);
  v.field("privileged", x.privileged);
  v.field("working_dir", x.working_dir);
  v.field("environment", x.environment);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(WatchTrigger) {
  v.field("path", x.path);
  v.field("action", x.action);
  v.field("target", x.target);
  v.field("exec", x.exec, Form::json_always);
  v.field("include", x.include, Form::one_or_many);
  v.field("ignore", x.ignore, Form::one_or_many);
  v.field("initial_sync", x.initial_sync);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Develop) {
  v.field("watch", x.watch);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(WeightDevice) {
  v.field("path", x.path, Form::always);
  v.field("weight", x.weight, Form::always);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(ThrottleDevice) {
  v.field("path", x.path, Form::always);
  v.field("rate", x.rate, Form::rate);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(BlkioConfig) {
  v.field("weight", x.weight);
  v.field("weight_device", x.weight_device);
  v.field("device_read_bps", x.device_read_bps);
  v.field("device_read_iops", x.device_read_iops);
  v.field("device_write_bps", x.device_write_bps);
  v.field("device_write_iops", x.device_write_iops);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(CredentialSpec) {
  v.field("config", x.config);
  v.field("file", x.file);
  v.field("registry", x.registry);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Dependency) {
  v.field("condition", x.condition);
  v.field("restart", x.restart);
  v.field("required", x.required, Form::always);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(DeviceRequest) {
  v.field("capabilities", x.capabilities);
  v.field("driver", x.driver);
  v.field("count", x.count);
  v.field("device_ids", x.device_ids);
  v.field("options", x.options);
}
CONSORT_FIELDS(ResourceLimits) {
  v.field("cpus", x.cpus);
  v.field("memory", x.memory, Form::size);
  v.field("pids", x.pids);
  v.field("devices", x.devices);
  v.field("generic_resources", x.generic_resources);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Resources) {
  v.field("limits", x.limits);
  v.field("reservations", x.reservations);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(RestartPolicy) {
  v.field("condition", x.condition);
  v.field("delay", x.delay);
  v.field("max_attempts", x.max_attempts);
  v.field("window", x.window);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(UpdateConfig) {
  v.field("parallelism", x.parallelism);
  v.field("delay", x.delay);
  v.field("failure_action", x.failure_action);
  v.field("monitor", x.monitor);
  v.field("max_failure_ratio", x.max_failure_ratio);
  v.field("order", x.order);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(PlacementPreference) {
  v.field("spread", x.spread);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Placement) {
  v.field("constraints", x.constraints);
  v.field("preferences", x.preferences);
  v.field("max_replicas_per_node", x.max_replicas_per_node);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Deploy) {
  v.field("mode", x.mode);
  v.field("replicas", x.replicas);
  v.field("labels", x.labels);
  v.field("update_config", x.update_config);
  v.field("rollback_config", x.rollback_config);
  v.field("resources", x.resources, Form::json_always);
  v.field("restart_policy", x.restart_policy);
  v.field("placement", x.placement, Form::json_always);
  v.field("endpoint_mode", x.endpoint_mode);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Device) {
  v.field("source", x.source);
  v.field("target", x.target);
  v.field("permissions", x.permissions);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(EnvFile) {
  v.field("path", x.path);
  v.field("required", x.required, Form::always);
  v.field("format", x.format);
}
CONSORT_FIELDS(HealthCheck) {
  v.field("test", x.test, Form::health_test);
  v.field("timeout", x.timeout);
  v.field("interval", x.interval);
  v.field("retries", x.retries);
  v.field("start_period", x.start_period);
  v.field("start_interval", x.start_interval);
  v.field("disable", x.disable);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Logging) {
  v.field("driver", x.driver);
  v.field("options", x.options);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(ServiceModel) {
  v.field("endpoint_var", x.endpoint_variable);
  v.field("model_var", x.model_variable);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(NetworkAttachment) {
  v.field("aliases", x.aliases);
  v.field("driver_opts", x.driver_opts);
  v.field("gw_priority", x.gw_priority);
  v.field("interface_name", x.interface_name);
  v.field("ipv4_address", x.ipv4_address);
  v.field("ipv6_address", x.ipv6_address);
  v.field("link_local_ips", x.link_local_ips);
  v.field("mac_address", x.mac_address);
  v.field("priority", x.priority);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Port) {
  v.field("name", x.name);
  v.field("mode", x.mode);
  v.field("host_ip", x.host_ip);
  v.field("target", x.target);
  v.field("published", x.published);
  v.field("protocol", x.protocol);
  v.field("app_protocol", x.app_protocol);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(BindOptions) {
  v.field("selinux", x.selinux);
  v.field("propagation", x.propagation);
  v.field("create_host_path", x.create_host_path);
  v.field("recursive", x.recursive);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(VolumeOptions) {
  v.field("labels", x.labels);
  v.field("nocopy", x.nocopy);
  v.field("subpath", x.subpath);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(TmpfsOptions) {
  v.field("size", x.size, Form::size);
  v.field("mode", x.mode);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(ImageOptions) {
  v.field("subpath", x.subpath);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Mount) {
  v.field("type", x.type, Form::always);
  v.field("source", x.source);
  v.field("target", x.target);
  v.field("read_only", x.read_only);
  v.field("consistency", x.consistency);
  v.field("bind", x.bind);
  v.field("volume", x.volume);
  v.field("tmpfs", x.tmpfs);
  v.field("image", x.image);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Provider) {
  v.field("type", x.type);
  v.field("options", x.options);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(JobSchedule) {
  v.field("cron", x.cron);
  v.field("timezone", x.timezone);
  v.field("concurrency", x.concurrency);
  v.field("missed_fires", x.missed_fires);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(JobTriggers) {
  v.field("manual", x.manual);
  v.field("schedule", x.schedule);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Service) {
  v.field("profiles", x.profiles);
  v.field("annotations", x.annotations);
  v.field("attach", x.attach);
  v.field("build", x.build);
  v.field("develop", x.develop);
  v.field("blkio_config", x.blkio_config);
  v.field("cap_add", x.cap_add);
  v.field("cap_drop", x.cap_drop);
  v.field("cgroup_parent", x.cgroup_parent);
  v.field("cgroup", x.cgroup);
  v.field("cpu_count", x.cpu_count);
  v.field("cpu_percent", x.cpu_percent);
  v.field("cpu_period", x.cpu_period);
  v.field("cpu_quota", x.cpu_quota);
  v.field("cpu_rt_period", x.cpu_rt_period);
  v.field("cpu_rt_runtime", x.cpu_rt_runtime);
  v.field("cpus", x.cpus);
  v.field("cpuset", x.cpuset);
  v.field("cpu_shares", x.cpu_shares);
  v.field("command", x.command, Form::shell);
  v.field("configs", x.configs);
  v.field("container_name", x.container_name);
  v.field("credential_spec", x.credential_spec);
  v.field("depends_on", x.depends_on);
  v.field("deploy", x.deploy);
  v.field("device_cgroup_rules", x.device_cgroup_rules);
  v.field("devices", x.devices);
  v.field("dns", x.dns, Form::one_or_many);
  v.field("dns_opt", x.dns_opt);
  v.field("dns_search", x.dns_search, Form::one_or_many);
  v.field("domainname", x.domainname);
  v.field("entrypoint", x.entrypoint, Form::shell);
  v.field("provider", x.provider);
  v.field("environment", x.environment);
  v.field("env_file", x.env_file);
  v.field("expose", x.expose);
  v.field("external_links", x.external_links);
  v.field("extra_hosts", x.extra_hosts, Form::hosts);
  v.field("group_add", x.group_add, Form::texts);
  v.field("gpus", x.gpus);
  v.field("hostname", x.hostname);
  v.field("healthcheck", x.healthcheck);
  v.field("image", x.image);
  v.field("init", x.init);
  v.field("ipc", x.ipc);
  v.field("isolation", x.isolation);
  v.field("labels", x.labels);
  v.field("label_file", x.label_file, Form::one_or_many);
  v.field("links", x.links);
  v.field("logging", x.logging);
  v.field("mem_limit", x.mem_limit, Form::size);
  v.field("mem_reservation", x.mem_reservation, Form::size);
  v.field("memswap_limit", x.memswap_limit, Form::size);
  v.field("mem_swappiness", x.mem_swappiness, Form::size);
  v.field("mac_address", x.mac_address);
  v.field("models", x.models);
  v.field("network_mode", x.network_mode);
  v.field("networks", x.networks);
  v.field("oom_kill_disable", x.oom_kill_disable);
  v.field("oom_score_adj", x.oom_score_adj);
  v.field("pid", x.pid);
  v.field("pids_limit", x.pids_limit);
  v.field("platform", x.platform);
  v.field("ports", x.ports);
  v.field("privileged", x.privileged);
  v.field("pull_policy", x.pull_policy);
  v.field("read_only", x.read_only);
  v.field("restart", x.restart);
  v.field("runtime", x.runtime);
  v.field("scale", x.scale);
  v.field("secrets", x.secrets);
  v.field("security_opt", x.security_opt);
  v.field("shm_size", x.shm_size, Form::size);
  v.field("stdin_open", x.stdin_open);
  v.field("stop_grace_period", x.stop_grace_period);
  v.field("stop_signal", x.stop_signal);
  v.field("storage_opt", x.storage_opt, Form::texts);
  v.field("sysctls", x.sysctls);
  v.field("tmpfs", x.tmpfs, Form::one_or_many);
  v.field("tty", x.tty);
  v.field("ulimits", x.ulimits);
  v.field("use_api_socket", x.use_api_socket);
  v.field("user", x.user);
  v.field("userns_mode", x.userns_mode);
  v.field("uts", x.uts);
  v.field("volumes", x.volumes);
  v.field("volumes_from", x.volumes_from);
  v.field("working_dir", x.working_dir);
  v.field("pre_start", x.pre_start);
  v.field("post_start", x.post_start);
  v.field("pre_stop", x.pre_stop);
  v.field("triggers", x.triggers);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(PreStartHook) {
  v.field("per_replica", x.per_replica);
  fields(v, x.own);
}
CONSORT_FIELDS(IpamPool) {
  v.field("subnet", x.subnet);
  v.field("gateway", x.gateway);
  v.field("ip_range", x.ip_range);
  v.field("aux_addresses", x.aux_addresses);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Ipam) {
  v.field("driver", x.driver);
  v.field("config", x.config);
  v.field("options", x.options);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Network) {
  v.field("name", x.name);
  v.field("driver", x.driver);
  v.field("driver_opts", x.driver_opts);
  v.field("ipam", x.ipam, Form::json_always);
  v.field("external", x.external);
  v.field("internal", x.internal);
  v.field("attachable", x.attachable);
  v.field("labels", x.labels);
  v.field("enable_ipv4", x.enable_ipv4);
  v.field("enable_ipv6", x.enable_ipv6);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Volume) {
  v.field("name", x.name);
  v.field("driver", x.driver);
  v.field("driver_opts", x.driver_opts);
  v.field("external", x.external);
  v.field("labels", x.labels);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(FileObject) {
  v.field("name", x.name);
  v.field("file", x.file);
  v.field("environment", x.environment);
  v.field("content", x.content);
  v.field("external", x.external);
  v.field("labels", x.labels);
  v.field("driver", x.driver);
  v.field("driver_opts", x.driver_opts);
  v.field("template_driver", x.template_driver);
  v.extensions(x.extensions);
}
CONSORT_FIELDS(Model) {
  v.field("name", x.name);
  v.field("model", x.model);
  v.field("context_size", x.context_size);
  v.field("runtime_flags", x.runtime_flags);
  v.extensions(x.extensions);
}

template <class V, class T>
void fields(V& v, T& value) {
  fields_of(v, value);
}

#undef CONSORT_FIELDS

}  // namespace consort::compose

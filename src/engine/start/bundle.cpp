#include <unistd.h>

#include <algorithm>
#include <cctype>
#include <iterator>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/os/trees/overlay_view.hpp"
#include "base/strings.hpp"
#include "engine/checks/validate.hpp"
#include "engine/engine_impl.hpp"
#include "engine/records/leases.hpp"
#include "engine/start/host_files.hpp"
#include "engine/start/image_subpath.hpp"
#include "engine/start/link_environment.hpp"
#include "engine/start/oci.hpp"
#include "runtime/defaults.hpp"
#include "volume/volume.hpp"

namespace consort::engine {

namespace {

std::string donor_of(const std::string& mode) {
  return mode.starts_with("container:") ? mode.substr(10) : "";
}

// The user's mounts, as the runtime takes them.
class MountList {
 public:
  MountList(Engine::Impl& impl, const ContainerRecord& record) : impl_(impl), record_(record) {}

  Result<std::vector<runtime::Mount>> make() {
    const ContainerSpec& spec = record_.spec;
    for (std::size_t i = 0; i < spec.mounts.size(); ++i) TRY(add(spec.mounts[i], record_.summary.mounts[i]));
    for (const auto& [target, options] : spec.tmpfs) add_tmpfs(target, tmpfs_options(options));
    for (std::size_t i = 0; i < spec.files.size(); ++i) {
      const std::string path = record_.spec.files[i].path;
      mounts_.push_back({path,
                         "bind",
                         impl_.container_directory(record_.summary.id) + "/files/" + std::to_string(i),
                         {"rbind", "rprivate", "rw"}});
    }
    return std::move(mounts_);
  }

 private:
  Result<> add(const MountSpec& mount, const MountPoint& point) {
    switch (mount.type) {
      case MountType::bind:
        add_bind(mount);
        break;
      case MountType::volume:
        return add_volume(mount, point);
      case MountType::tmpfs:
        add_tmpfs(mount.target, sized(mount));
        break;
      case MountType::image:
        return add_image(mount);
    }
    return {};
  }

  static const char* access(const MountSpec& mount) {
    if (!mount.read_only) return "rw";
    return mount.read_only_non_recursive || mount.non_recursive ? "ro" : "rro";
  }

  void add_bind(const MountSpec& mount) {
    mounts_.push_back({mount.target,
                       "bind",
                       mount.source,
                       {mount.non_recursive ? "bind" : "rbind",
                        mount.propagation.empty() ? "rprivate" : mount.propagation, access(mount)}});
  }

  Result<> add_volume(const MountSpec& mount, const MountPoint& point) {
    const Volume volume = TRY(impl_.records.find_volume(mount.source));
    TRY(volume::mount_volume(impl_.roots, mount.source, volume.spec.driver_opts));
    const std::string source = mount.subpath.empty()
                                   ? point.source
                                   : TRY(volume::resolve_subpath(impl_.roots.volume_data(mount.source), mount.subpath));
    mounts_.push_back({mount.target, "bind", source, {"rbind", "rslave", mount.read_only ? "ro" : "rw"}});
    return {};
  }

  void add_tmpfs(const std::string& target, std::vector<std::string> options) {
    mounts_.push_back({target, "tmpfs", "tmpfs", std::move(options)});
  }

  static std::vector<std::string> sized(const MountSpec& mount) {
    std::string text = mount.tmpfs_options;
    const auto extend = [&](const std::string& option) { text += (text.empty() ? "" : ",") + option; };
    if (mount.tmpfs_size) extend("size=" + std::to_string(*mount.tmpfs_size));
    char mode[16];
    if (mount.tmpfs_mode) {
      std::snprintf(mode, sizeof mode, "mode=%o", *mount.tmpfs_mode);
      extend(mode);
    }
    if (mount.read_only) extend("ro");
    return tmpfs_options(text);
  }

  Result<> add_image(const MountSpec& mount) {
    const auto facts = TRY(impl_.image_facts(mount.source));
    const LayersPart part = TRY(mounted_part(impl_.roots, facts->layers, mount.subpath));
    if (part.directories.size() > 1) {
      mounts_.push_back({mount.target, "overlay", "overlay", {"ro", overlay_lower_option(part.directories)}});
    } else {
      const std::string& only = part.directories.empty() ? part.file : part.directories.front();
      mounts_.push_back({mount.target, "bind", only, {"rbind", "rprivate", "ro"}});
    }
    return {};
  }

  Engine::Impl& impl_;
  const ContainerRecord& record_;
  std::vector<runtime::Mount> mounts_;
};

Result<std::vector<runtime::Device>> devices_of(const ContainerSpec& spec) {
  std::vector<runtime::Device> devices;
  if (spec.privileged) devices = TRY(runtime::all_host_devices());
  for (const DeviceSpec& device : spec.devices) {
    const std::string& target = device.container_path.empty() ? device.host_path : device.container_path;
    auto found = runtime::host_devices(device.host_path, target);
    if (!found) return fail(std::move(found).error().about(Subject::setting, "devices/" + device.host_path));
    std::ranges::move(*found, std::back_inserter(devices));
  }
  return devices;
}

// "" for a new one, "host", or the donor's.
Result<std::string> namespace_of(Engine::Impl& impl, const std::string& mode, const char* name) {
  if (mode == "host") return std::string("host");
  const std::string donor = donor_of(mode);
  if (donor.empty()) return std::string();
  const Result<int> pid = impl.running_pid(donor);
  if (!pid) {
    return fail(Error(pid.error().code(),
                      std::string("cannot join ") + name + " namespace of a non running container: " + donor));
  }
  return "/proc/" + std::to_string(*pid) + "/ns/" + name;
}

// The text of the host's file, if the container shares the host's network.
Result<> copy_host_file(const std::string& from, const std::string& to) {
  const Result<std::string> text = read_file(from);
  return write_file_atomic(to, text ? *text : "");
}

// The default bridge has no name server: linked containers are in the hosts file, by alias, id and name.
Result<> add_links(Engine::Impl& impl, const ContainerRecord& record, const std::vector<Network>& networks,
                   std::vector<HostEntry>& entries) {
  if (std::ranges::none_of(networks, [](const Network& n) { return n.spec.name == default_network; })) return {};
  for (const std::string& link : record.spec.links) {
    const std::size_t colon = link.find(':');
    const Result<ContainerRecord> linked = impl.records.load_container(link.substr(0, colon));
    if (!linked) continue;  // removed since
    for (const EndpointRecord& endpoint : linked->endpoints) {
      if (endpoint.spec.network != default_network) continue;
      for (const std::string& name : {link.substr(colon + 1), linked->summary.id.substr(0, 12), linked->summary.name})
        if (!endpoint.ipv4.empty()) entries.push_back({.name = name, .address = endpoint.ipv4});
    }
  }
  return {};
}

// Variables that describe the containers linked on the default bridge.
void add_link_environment(Engine::Impl& impl, const ContainerRecord& record, const std::vector<Network>& networks,
                          Strings& environment) {
  if (std::ranges::none_of(networks, [](const Network& n) { return n.spec.name == default_network; })) return;
  for (const std::string& link : record.spec.links) {
    const std::size_t colon = link.find(':');
    const Result<ContainerRecord> linked = impl.records.load_container(link.substr(0, colon));
    if (!linked) continue;  // removed since
    LinkedContainer told{.alias = link.substr(colon + 1), .address = {}, .exposed = linked->process.exposed};
    told.environment = linked->process.environment;
    for (const EndpointRecord& endpoint : linked->endpoints)
      if (endpoint.spec.network == default_network) told.address = endpoint.ipv4;
    if (told.address.empty()) continue;
    for (std::string& variable : link_environment(record.summary.name, told)) {
      const std::string key = variable.substr(0, variable.find('=') + 1);
      if (std::ranges::none_of(environment, [&](const std::string& own) { return own.starts_with(key); }))
        environment.push_back(std::move(variable));
    }
  }
}

// hosts, hostname and resolv.conf; nothing if they are another container's.
Result<> write_host_files(Engine::Impl& impl, const ContainerRecord& record, const std::vector<Network>& networks) {
  const ContainerSpec& spec = record.spec;
  const std::string bundle = impl.container_directory(record.summary.id);
  if (!donor_of(spec.network_mode).empty()) return {};
  TRY(write_file_atomic(bundle + "/hostname", record.hostname + "\n"));
  HostsInput hosts{.extra = spec.extra_hosts, .hostname = record.hostname, .domainname = record.domainname};
  for (HostEntry& entry : hosts.extra)
    if (entry.address == "host-gateway") entry.address = TRY(impl.host_gateway());
  TRY(add_links(impl, record, networks, hosts.extra));
  for (const EndpointRecord& endpoint : record.endpoints)
    for (const std::string& address : {endpoint.ipv4, endpoint.ipv6})
      if (!address.empty()) hosts.own.push_back(address);
  if (spec.network_mode == "host" && spec.extra_hosts.empty()) {
    TRY(copy_host_file("/etc/hosts", bundle + "/hosts"));
  } else {
    TRY(write_file_atomic(bundle + "/hosts", make_hosts(hosts)));
  }
  const std::string resolv_conf = bundle + "/resolv.conf";
  if (const Result<std::string> before = read_file(resolv_conf); before && is_edited_resolv_conf(*before)) return {};
  const bool resolver = std::ranges::any_of(networks, [](const Network& n) { return n.spec.name != default_network; });
  return write_file_atomic(
      resolv_conf, TRY(impl.make_resolv_conf_of(spec, resolver ? InternalResolver::yes : InternalResolver::no)));
}

}  // namespace

Result<std::string> Engine::Impl::make_resolv_conf_of(const ContainerSpec& spec, InternalResolver resolver) const {
  const Result<std::string> host_text = read_file("/etc/resolv.conf", 1 << 20);
  const bool shares_host = spec.network_mode == "host" || spec.network_mode == "none";
  if (shares_host && spec.dns.empty() && spec.dns_search.empty() && spec.dns_opt.empty())
    return host_text ? *host_text : std::string();
  return make_resolv_conf({.host_text = host_text ? *host_text : "",
                           .internal_resolver = resolver == InternalResolver::yes,
                           .servers = spec.dns,
                           .search = spec.dns_search,
                           .options = spec.dns_opt});
}

Result<ContainerUsers> Engine::Impl::write_bundle(const ContainerRecord& record, const std::vector<Network>& networks) {
  const ContainerSpec& spec = record.spec;
  const std::string bundle = container_directory(record.summary.id);
  TRY(write_host_files(*this, record, networks));
  ProcessConfig process = record.process;
  add_link_environment(*this, record, networks, process.environment);
  OciInput input{.id = record.summary.id,
                 .bundle = bundle,
                 .spec = spec,
                 .process = process,
                 .hostname = record.hostname,
                 .domainname = record.domainname,
                 .capabilities = capabilities_of(spec),
                 .uts_namespace = spec.uts_mode == "host" ? "host" : ""};
  input.security = TRY(read_security_options(spec.security_opt));
  input.mounts = TRY(MountList(*this, record).make());
  input.devices = TRY(devices_of(spec));
  input.pid_namespace = TRY(namespace_of(*this, spec.pid_mode, "pid"));
  input.ipc_namespace = TRY(namespace_of(*this, spec.ipc_mode, "ipc"));
  input.host_files = bundle;
  if (const std::string donor = donor_of(spec.network_mode); !donor.empty()) {
    // Hostname and files come with the network.
    TRY(namespace_of(*this, spec.network_mode, "network"));
    const ContainerRecord lender = TRY(records.load_container(donor));
    input.hostname = lender.hostname;
    input.domainname = lender.domainname;
    input.host_files = container_directory(donor);
  }
  if (spec.network_mode == "host" && spec.hostname.empty()) {
    char name[256] = {};
    if (::gethostname(name, sizeof name - 1) == 0) input.hostname = name;
  }
  TRY(add_shared_memory(record, input));
  const std::string parent = spec.cgroup_parent.empty() ? "/consort" : clean_path("/" + spec.cgroup_parent);
  input.cgroups_path = parent + "/" + record.summary.id;
  // For another runtime, a named cgroup is one that it must be able to create, which it cannot for a user.
  if (!spec.runtime.empty() && spec.cgroup_parent.empty() && in_user_namespace()) input.cgroups_path.clear();
  TRY(add_seccomp(record, input));
  ContainerUsers users = TRY(choose_users(record, input.capabilities, input.mounts));
  input.own_users = users.own;
  TRY(write_file_atomic(bundle + "/config.json", TRY(make_oci_config(input)), 0600));
  return users;
}

}  // namespace consort::engine

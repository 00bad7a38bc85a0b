#include "engine/start/oci.hpp"

#include <algorithm>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/os/processes/container_users.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/strings.hpp"
#include "engine/container/merge.hpp"
#include "engine/start/oci_resources.hpp"
#include "runtime/defaults.hpp"

namespace consort::engine {

namespace {

constexpr const char* default_path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

std::size_t depth_of(const std::string& path) {
  const std::string cleaned = clean_path(path);
  return static_cast<std::size_t>(std::ranges::count(cleaned, '/'));
}

Strings final_environment(const OciInput& input) {
  Strings base;
  if (!environment_value(input.process.environment, "PATH")) base.emplace_back(default_path);
  if (!input.hostname.empty()) base.push_back("HOSTNAME=" + input.hostname);
  if (input.spec.tty) base.emplace_back("TERM=xterm");
  return merge_environment(input.process.environment, base);
}

Json capabilities_json(const OciInput& input) {
  const Strings names = runtime::capability_names(input.capabilities);
  return {{"bounding", names}, {"effective", names}, {"permitted", names}};
}

Json rlimits_json(const ContainerSpec& spec) {
  Json limits = Json::array();
  const auto number = [](std::int64_t value) { return value < 0 ? UINT64_MAX : static_cast<std::uint64_t>(value); };
  for (const Ulimit& limit : spec.ulimits) {
    limits.push_back(
        {{"type", "RLIMIT_" + to_upper(limit.name)}, {"hard", number(limit.hard)}, {"soft", number(limit.soft)}});
  }
  return limits;
}

Json process_json(const OciInput& input) {
  Json process = {{"terminal", input.spec.tty},
                  {"user", {{"uid", 0}, {"gid", 0}}},
                  {"args", input.process.argv},
                  {"env", final_environment(input)},
                  {"cwd", input.process.working_dir},
                  {"capabilities", capabilities_json(input)},
                  {"oomScoreAdj", input.spec.oom_score_adj}};
  if (!input.spec.ulimits.empty()) process["rlimits"] = rlimits_json(input.spec);
  if (input.security.no_new_privileges) process["noNewPrivileges"] = true;
  const std::string& apparmor = input.security.apparmor;
  if (!apparmor.empty() && apparmor != "unconfined") process["apparmorProfile"] = apparmor;
  return process;
}

bool takes_place(const std::vector<runtime::Mount>& mounts, std::string_view target) {
  return std::ranges::any_of(mounts, [&](const runtime::Mount& m) { return clean_path(m.destination) == target; });
}

void make_writable(std::vector<std::string>& options) {
  std::erase(options, "ro");
  if (std::ranges::count(options, "rw") == 0) options.emplace_back("rw");
}

std::vector<runtime::Mount> standard_mounts(const OciInput& input) {
  std::vector<runtime::Mount> mounts = runtime::default_mounts(input.spec.shm_size.value_or(std::uint64_t{64} << 20));
  std::erase_if(mounts, [&](const runtime::Mount& mount) {
    return (mount.destination == "/dev/shm" && (input.spec.ipc_mode == "none" || !input.shm_source.empty())) ||
           takes_place(input.mounts, mount.destination);
  });
  for (runtime::Mount& mount : mounts) {
    const bool cgroup = mount.destination == "/sys/fs/cgroup";
    if (input.spec.privileged && (mount.destination == "/sys" || cgroup)) make_writable(mount.options);
    if (cgroup && input.security.writable_cgroups) make_writable(mount.options);
  }
  if (!input.shm_source.empty() && !takes_place(input.mounts, "/dev/shm"))
    mounts.push_back({"/dev/shm", "bind", input.shm_source, {"rbind", "rprivate", "nosuid", "nodev", "noexec"}});
  return mounts;
}

std::vector<runtime::Mount> generated_mounts(const OciInput& input) {
  std::vector<runtime::Mount> mounts;
  if (input.host_files.empty()) return mounts;
  for (const char* name : {"resolv.conf", "hostname", "hosts"}) {
    const std::string target = std::string("/etc/") + name;
    if (takes_place(input.mounts, target)) continue;
    mounts.push_back(
        {target, "bind", input.host_files + "/" + name, {"rbind", "rprivate", input.spec.read_only ? "ro" : "rw"}});
  }
  return mounts;
}

Json mounts_json(const OciInput& input) {
  std::vector<runtime::Mount> mounts = standard_mounts(input);
  std::ranges::copy(generated_mounts(input), std::back_inserter(mounts));
  std::ranges::copy(input.mounts, std::back_inserter(mounts));
  sort_mounts(mounts);
  Json array = Json::array();
  for (const runtime::Mount& mount : mounts) {
    array.push_back({{"destination", mount.destination},
                     {"type", mount.type},
                     {"source", mount.source},
                     {"options", mount.options}});
  }
  return array;
}

Json namespaces_json(const OciInput& input) {
  Json array = Json::array({{{"type", "mount"}}});
  const auto add = [&](const char* type, const std::string& mode) {
    if (mode == "host") return;
    Json entry = {{"type", type}};
    if (!mode.empty()) entry["path"] = mode;
    array.push_back(std::move(entry));
  };
  if (input.own_users) add("user", "");
  add("pid", input.pid_namespace);
  add("ipc", input.ipc_namespace);
  add("uts", input.uts_namespace);
  add("network", input.spec.network_mode == "host" ? "host" : "");
  add("cgroup", input.spec.cgroup_mode == "host" ? "host" : "");
  return array;
}

std::string rootfs_propagation(const OciInput& input) {
  std::string wanted;
  for (const MountSpec& mount : input.spec.mounts) {
    if (mount.propagation.ends_with("shared")) return "rshared";
    if (mount.propagation.ends_with("slave")) wanted = "rslave";
  }
  return wanted;
}

Result<Json> linux_json(const OciInput& input) {
  Json resources = TRY(resources_json(input));
  Json linux_part = {
      {"cgroupsPath", input.cgroups_path}, {"namespaces", namespaces_json(input)}, {"resources", std::move(resources)}};
  if (input.own_users)
    linux_part["uidMappings"] =
        linux_part["gidMappings"] = {{{"containerID", 0}, {"hostID", first_container_id}, {"size", container_ids}}};
  if (const StringMap sysctls = runtime_sysctls(input.spec); !sysctls.empty()) linux_part["sysctl"] = sysctls;
  if (!input.devices.empty()) linux_part["devices"] = devices_json(input.devices);
  if (!input.spec.privileged && !input.security.unconfined_paths) {
    linux_part["maskedPaths"] = runtime::default_masked_paths();
    linux_part["readonlyPaths"] = runtime::default_readonly_paths();
  }
  if (std::string propagation = rootfs_propagation(input); !propagation.empty())
    linux_part["rootfsPropagation"] = std::move(propagation);
  if (!input.seccomp_json.empty()) linux_part["seccomp"] = TRY(parse_json(input.seccomp_json, "seccomp profile"));
  return linux_part;
}

StringMap annotations(const OciInput& input) {
  StringMap map = input.spec.annotations;
  // Even without a user, root's entry in the container's files gives the home directory and groups.
  map[std::string(runtime::user_annotation)] = input.process.user.empty() ? "0" : input.process.user;
  if (!input.spec.group_add.empty()) map[std::string(runtime::group_add_annotation)] = join(input.spec.group_add, ",");
  const auto donor = [&](std::string_view key, const std::string& mode) {
    if (mode.starts_with("container:")) map[std::string(key)] = mode.substr(10);
  };
  donor(runtime::pid_of_annotation, input.spec.pid_mode);
  donor(runtime::ipc_of_annotation, input.spec.ipc_mode);
  if (input.spec.init.value_or(false)) map[std::string(runtime::init_annotation)] = "true";
  return map;
}

}  // namespace

void sort_mounts(std::vector<runtime::Mount>& mounts) {
  std::ranges::stable_sort(mounts, {}, [](const runtime::Mount& mount) { return depth_of(mount.destination); });
}

std::vector<std::string> tmpfs_options(std::string_view text) {
  std::vector<std::string> options{"rw", "nosuid", "nodev", "noexec"};
  for (const std::string& option : split(text, ',')) {
    if (option.empty()) continue;
    const std::string opposite = option == "ro"     ? "rw"
                                 : option == "rw"   ? "ro"
                                 : option == "exec" ? "noexec"
                                 : option == "suid" ? "nosuid"
                                 : option == "dev"  ? "nodev"
                                                    : "";
    if (!opposite.empty()) std::erase(options, opposite);
    if (std::ranges::count(options, option) == 0) options.push_back(option);
  }
  return options;
}

StringMap runtime_sysctls(const ContainerSpec& spec) {
  StringMap map;
  for (const auto& [name, value] : spec.sysctls)
    if (!name.starts_with("net.")) map[name] = value;
  return map;
}

StringMap network_sysctls(const ContainerSpec& spec) {
  StringMap map{{"net.ipv4.ip_unprivileged_port_start", "0"},
                {"net.ipv4.ping_group_range", "0 " + std::to_string(highest_group())}};
  for (const auto& [name, value] : spec.sysctls)
    if (name.starts_with("net.")) map[name] = value;
  return map;
}

Result<std::string> make_oci_config(const OciInput& input) {
  Json linux_part = TRY(linux_json(input));
  Json config = {{"ociVersion", "1.2.0"},
                 {"process", process_json(input)},
                 {"root", {{"path", "rootfs"}, {"readonly", input.spec.read_only}}},
                 {"mounts", mounts_json(input)},
                 {"annotations", annotations(input)},
                 {"linux", std::move(linux_part)}};
  if (input.uts_namespace.empty()) {
    config["hostname"] = input.hostname;
    if (!input.domainname.empty()) config["domainname"] = input.domainname;
  }
  return dump_json(config);
}

}  // namespace consort::engine

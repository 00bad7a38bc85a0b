// Checks for values that config.json can express but must not contain.
#include <algorithm>
#include <array>

#include "base/json.hpp"
#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "runtime/bundle/parts.hpp"
#include "runtime/defaults.hpp"

namespace consort::runtime::internal {

namespace {

std::unexpected<Error> refuse(std::string where, std::string why) {
  return fail(Error(Code::invalid, std::move(where)).why(std::move(why)));
}

// A sysctl belongs to a namespace only if its file does; all others are the machine's.
Result<> check_sysctl(const Spec& spec, const std::string& key) {
  constexpr std::array of_ipc = {"kernel.msgmax", "kernel.msgmnb", "kernel.msgmni", "kernel.sem",
                                 "kernel.shmall", "kernel.shmmax", "kernel.shmmni", "kernel.shm_rmid_forced"};
  const std::string name = replace_all(key, "/", ".");
  const auto needs = [&](NamespaceKind kind, std::string_view word) -> Result<> {
    if (spec.find_namespace(kind)) return {};
    return refuse("linux.sysctl", "\"" + key + "\" without a " + std::string(word) + " namespace would be the host's");
  };
  for (const std::string_view known : of_ipc)
    if (name == known) return needs(NamespaceKind::ipc, "ipc");
  if (name.starts_with("fs.mqueue.")) return needs(NamespaceKind::ipc, "ipc");
  if (name.starts_with("net.")) return needs(NamespaceKind::network, "network");
  if (name == "kernel.domainname") return needs(NamespaceKind::uts, "uts");
  if (name == "kernel.hostname") return refuse("linux.sysctl", "\"kernel.hostname\" is what hostname is for");
  return refuse("linux.sysctl", "\"" + key + "\" is not in a separate kernel namespace");
}

Result<> check_users(const Spec& spec) {
  const Namespace* const users = spec.find_namespace(NamespaceKind::user);
  const bool maps = !spec.linux_.uid_mappings.empty() || !spec.linux_.gid_mappings.empty();
  if (maps && !users) return refuse("linux.uidMappings", "id mappings need a user namespace");
  if (users && users->path.empty() && (spec.linux_.uid_mappings.empty() || spec.linux_.gid_mappings.empty()))
    return refuse("linux.namespaces", "a new user namespace needs uidMappings and gidMappings");
  return {};
}

Result<> check_paths(const Spec& spec) {
  const auto absolute = [](const std::vector<std::string>& paths, std::string_view where) -> Result<> {
    for (const std::string& path : paths)
      if (!path.starts_with('/')) return refuse(std::string(where), "\"" + path + "\" is not an absolute path");
    return {};
  };
  TRY(absolute(spec.linux_.masked_paths, "linux.maskedPaths"));
  TRY(absolute(spec.linux_.readonly_paths, "linux.readonlyPaths"));
  const Namespace* const mount = spec.find_namespace(NamespaceKind::mount);
  if (!mount && (!spec.linux_.masked_paths.empty() || !spec.linux_.readonly_paths.empty()))
    return refuse("linux.maskedPaths", "without a mount namespace they would be masked on the host");
  return {};
}

// "2MB" is "hugepages-2048kB". Also checked if the kernel has no hugetlb controller and the limit would be ignored.
Result<> check_hugepages(const Spec& spec) {
  constexpr std::uint64_t kib_of_mib = 1024, kib_of_gib = 1024 * 1024;
  for (const HugepageLimit& limit : spec.linux_.resources.hugepages) {
    const std::string_view size = limit.page_size, unit = size.substr(size.size() - 2);
    const std::uint64_t factor = unit == "GB" ? kib_of_gib : unit == "MB" ? kib_of_mib : 1;
    const auto number = parse_unsigned(size.substr(0, size.size() - 2));
    const bool fits = number && *number <= kib_of_gib;
    if (!fits || !path_exists("/sys/kernel/mm/hugepages/hugepages-" + std::to_string(*number * factor) + "kB"))
      return refuse("linux.resources.hugepageLimits", "this machine has no pages of " + limit.page_size);
  }
  return {};
}

}  // namespace

Result<> check_spec(const Spec& spec) {
  TRY(check_users(spec));
  for (const auto& [key, value] : spec.linux_.sysctl) TRY(check_sysctl(spec, key));
  const bool v2 = cgroup_version() == CgroupVersion::v2;
  if (!spec.linux_.resources.unified.empty() && !v2)
    return refuse("linux.resources.unified", "this host has cgroup v1, which has no unified hierarchy to be set");
  TRY(check_hugepages(spec));
  return check_paths(spec);
}

std::vector<std::string> unknown_capabilities(const std::string& config) {
  std::vector<std::string> unknown;
  const Result<Json> root = parse_json(config, "config.json");
  const Json* const process = root ? find_key(*root, "process") : nullptr;
  const Json* const sets = process ? find_key(*process, "capabilities") : nullptr;
  for (const char* kind : {"bounding", "effective", "permitted", "inheritable", "ambient"})
    for (const std::string& name : sets ? get_strings(*sets, kind) : std::vector<std::string>())
      if (!capability_number(name) && std::ranges::find(unknown, name) == unknown.end()) unknown.push_back(name);
  return unknown;
}

namespace {

// "a-b.slice" is inside "a.slice": each dash is a level.
Result<std::string> slice_path(const std::string& slice) {
  if (slice.empty() || slice == "-.slice") return std::string();
  if (!slice.ends_with(".slice") || slice.find('/') != std::string::npos)
    return refuse("linux.cgroupsPath", "\"" + slice + "\" is not a slice");
  std::string path, name;
  for (const std::string& part : split(slice.substr(0, slice.size() - 6), '-')) {
    if (part.empty()) return refuse("linux.cgroupsPath", "\"" + slice + "\" is not a slice");
    name += (name.empty() ? "" : "-") + part;
    path += "/" + name + ".slice";
  }
  return path;
}

}  // namespace

Result<std::string> cgroup_path(const Spec& spec, const std::string& id, bool systemd_paths) {
  const std::string& given = spec.linux_.cgroups_path;
  if (!systemd_paths) return given.empty() ? "/consort/" + id : clean_path("/" + given);
  if (!path_exists("/run/systemd/system"))
    return refuse("systemd cgroup flag passed", "systemd support for managing cgroups is not available");
  if (given.empty()) return "/system.slice/consort-" + id + ".scope";
  const std::vector<std::string> parts = split(given, ':');
  if (parts.size() != 3 || parts[2].empty() || parts[2].find('/') != std::string::npos)
    return refuse("linux.cgroupsPath", "expected SLICE:PREFIX:NAME, got \"" + given + "\"");
  const std::string slice = TRY(slice_path(parts[0].empty() ? "system.slice" : parts[0]));
  if (parts[2].ends_with(".slice")) return slice + "/" + parts[2];
  return slice + "/" + (parts[1].empty() ? "" : parts[1] + "-") + parts[2] + ".scope";
}

}  // namespace consort::runtime::internal

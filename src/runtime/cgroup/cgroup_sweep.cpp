// Removes cgroups that were created for a process that was never started.
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <optional>
#include <ranges>
#include <set>

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"
#include "runtime/cgroup/cgroup_claim.hpp"
#include "runtime/cgroup/cgroup_hierarchy.hpp"
#include "runtime/cgroup_sweep.hpp"

namespace consort::runtime {

namespace {

using Names = std::set<std::string>;

// The cgroup of a container or of a build step. The other names in the directory are the kernel's files.
bool is_group_of_ours(std::string_view name) {
  return (name.size() == 64 && is_hex(name)) || name.starts_with("build-");
}

void add_groups(const std::string& directory, Names& names) {
  for (std::string& name : list_directory(directory).value_or(std::vector<std::string>()))
    if (is_group_of_ours(name)) names.insert(std::move(name));
}

std::vector<std::string> groups_below(const std::string& directory) {
  std::vector<std::string> found;
  for (const std::string& name : list_directory(directory).value_or(std::vector<std::string>()))
    if (const auto st = lstat_path(directory + "/" + name); st && S_ISDIR(st->st_mode))
      found.push_back(directory + "/" + name);
  return found;
}

// Has processes of any pid namespace: those outside ours are listed as 0. If it cannot be read, assume it is populated.
bool is_populated(const std::string& directory) {
  const Result<std::string> text = read_file(directory + "/cgroup.procs");
  if (!text) return text.error().sys_errno() != ENOENT && text.error().sys_errno() != ENODEV;
  return !text->empty() || std::ranges::any_of(groups_below(directory), is_populated);
}

void remove_directories(const std::string& directory) {
  for (const std::string& below : groups_below(directory)) remove_directories(below);
  (void)::rmdir(directory.c_str());  // fails if a process has joined it meanwhile
}

// Kills nothing, unlike Cgroup::remove(): it may belong to a container of another data root.
void remove_if_empty(const std::vector<internal::Hierarchy>& all, const std::string& path) {
  for (const internal::Hierarchy& hierarchy : all)
    if (is_populated(hierarchy.directory(path))) return;
  // The claimed one goes last: otherwise another process could create and claim a new one of that name.
  for (const internal::Hierarchy& hierarchy : std::views::reverse(all)) remove_directories(hierarchy.directory(path));
}

}  // namespace

void sweep_cgroups(const std::string& parent, const std::function<bool(const std::string& name)>& belongs) {
  const std::vector<internal::Hierarchy>& all = internal::hierarchies();
  if (all.empty()) return;
  Names names;
  add_groups(all.front().directory(parent), names);
  std::erase_if(names, belongs);
  if (names.empty()) return;  // the usual case: one listing
  for (const internal::Hierarchy& hierarchy : all) add_groups(hierarchy.directory(parent), names);
  for (const std::string& name : names) {
    if (belongs(name)) continue;
    const std::string path = parent + "/" + name;
    if (const std::optional<Fd> claimed = internal::claim_to_sweep(all.front().directory(path)))
      remove_if_empty(all, path);
  }
}

bool may_make_cgroups() {
  return std::ranges::any_of(internal::hierarchies(), [](const internal::Hierarchy& hierarchy) {
    return ::access(hierarchy.directory("").c_str(), W_OK) == 0;
  });
}

}  // namespace consort::runtime

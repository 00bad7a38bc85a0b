// Groups that were made for a process which never came.
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <algorithm>
#include <set>

#include "base/os/folder.hpp"
#include "base/strings.hpp"
#include "runtime/cgroup.hpp"
#include "runtime/cgroup/cgroup_hierarchy.hpp"
#include "runtime/cgroup_sweep.hpp"

namespace consort::runtime {

namespace {

using Names = std::set<std::string>;

// Of a container, or of a build's step. The other names in there are the kernel's files.
bool is_group_of_ours(std::string_view name) {
  return (name.size() == 64 && is_hex(name)) || name.starts_with("build-");
}

void add_groups(const std::string& directory, Names& names) {
  for (std::string& name : list_folder(directory).value_or(std::vector<std::string>()))
    if (is_group_of_ours(name)) names.insert(std::move(name));
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
    const Result<Fd> claim = open_file(all.front().directory(path), O_RDONLY | O_DIRECTORY);
    if (claim && ::flock(claim->get(), LOCK_EX | LOCK_NB) != 0) continue;
    const Cgroup group = Cgroup::open(path);
    const Result<std::vector<pid_t>> pids = group.pids();
    if (pids && pids->empty()) (void)group.remove();
  }
}

bool may_make_cgroups() {
  return std::ranges::any_of(internal::hierarchies(), [](const internal::Hierarchy& hierarchy) {
    return ::access(hierarchy.directory("").c_str(), W_OK) == 0;
  });
}

}  // namespace consort::runtime

#include "runtime/cgroup/cgroup_hierarchy.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/strings.hpp"
#include "runtime/handed_down.hpp"

namespace consort::runtime {

namespace internal {

namespace {

constexpr std::string_view known_controllers[] = {"cpu",      "cpuacct",    "cpuset", "memory",  "devices",
                                                  "freezer",  "blkio",      "pids",   "hugetlb", "net_cls",
                                                  "net_prio", "perf_event", "rdma",   "misc"};

bool is_controller(std::string_view word) {
  return std::ranges::find(known_controllers, word) != std::end(known_controllers);
}

// Controllers that every container gets; the others (cpuset) only when a limit needs them.
constexpr std::string_view always[] = {"memory", "pids", "devices", "cpu", "cpuacct", "blkio"};

constexpr std::string_view leaf_name = "consort-supervisor";

// Root may write anywhere. Root in a namespace uses full paths as well, because the process that looks up a container's
// cgroup is in a different cgroup than the one that created it. Others may write only below what was delegated to them:
// the parent of our own cgroup, because a cgroup with processes (ours) cannot delegate controllers.
std::string delegated_base(const std::string& mount) {
  if (::geteuid() == 0) return {};
  const std::string own = unified_group_of("self");
  for (std::string path : {dir_name(own), own})
    if (path != "/" && path != "." && ::access((mount + path).c_str(), W_OK) == 0) return path;
  return {};
}

}  // namespace

bool Hierarchy::is_named() const {
  return !unified && controllers.size() == 1 && controllers[0].starts_with("name=");
}

bool Hierarchy::takes_every_container() const {
  return unified || std::ranges::any_of(always, [this](std::string_view controller) { return has(controller); });
}

bool Hierarchy::has(std::string_view controller) const {
  return std::ranges::find(controllers, controller) != controllers.end();
}

std::vector<Hierarchy> parse_hierarchies(std::string_view mountinfo) {
  std::vector<Hierarchy> found;
  for (const std::string& line : split(mountinfo, '\n')) {
    // 36 35 98:0 /root /mount rw,... shared:1 - cgroup cgroup rw,memory
    const std::size_t dash = line.find(" - ");
    if (dash == std::string::npos) continue;
    const std::vector<std::string> left = split(std::string_view(line).substr(0, dash), ' ');
    const std::vector<std::string> right = split(std::string_view(line).substr(dash + 3), ' ');
    if (left.size() < 5 || right.size() < 3) continue;
    Hierarchy hierarchy;
    hierarchy.mount = left[4];
    if (right[0] == "cgroup2") {
      hierarchy.unified = true;
    } else if (right[0] == "cgroup") {
      for (const std::string& word : split(right[2], ','))
        if (is_controller(word) || word.starts_with("name=")) hierarchy.controllers.push_back(word);
      if (hierarchy.controllers.empty()) continue;
    } else {
      continue;
    }
    // If the same hierarchy is mounted twice (in a chroot, say), the first one counts.
    const bool known = std::ranges::any_of(found, [&](const Hierarchy& other) {
      return other.unified == hierarchy.unified && other.controllers == hierarchy.controllers;
    });
    if (!known) found.push_back(std::move(hierarchy));
  }
  // Hierarchies without controllers, and cpuset, contain few containers: they are never checked first.
  std::ranges::stable_partition(found, [](const Hierarchy& hierarchy) { return !hierarchy.is_named(); });
  std::ranges::stable_partition(found, &Hierarchy::takes_every_container);
  return found;
}

// "0::/user.slice/..."
std::string unified_group(std::string_view proc_cgroup) {
  for (const std::string& line : split(proc_cgroup, '\n'))
    if (line.starts_with("0::")) return line.substr(3);
  return {};
}

std::string unified_group_of(const std::string& process) {
  const Result<std::string> text = read_file("/proc/" + process + "/cgroup", 65536);
  return text ? unified_group(*text) : std::string();
}

std::string delegated_group_of(const std::string& unified_group) {
  if (base_name(unified_group) != leaf_name) return {};
  const std::string group = dir_name(unified_group);
  return group == "/" ? std::string() : group;
}

const std::vector<Hierarchy>& hierarchies() {
  static const std::vector<Hierarchy> found = [] {
    const Result<std::string> text = read_file("/proc/self/mountinfo");
    std::vector<Hierarchy> list = text ? parse_hierarchies(*text) : std::vector<Hierarchy>();
    for (Hierarchy& hierarchy : list) {
      if (!hierarchy.unified) continue;
      hierarchy.base = delegated_base(hierarchy.mount);
      const Result<std::string> controllers = read_file(hierarchy.directory("/cgroup.controllers"), 4096);
      if (controllers)
        for (const std::string& word : split(trim(*controllers), ' '))
          if (!word.empty()) hierarchy.controllers.push_back(word);
    }
    return list;
  }();
  return found;
}

}  // namespace internal

Result<> enter_delegated_leaf(const std::string& group_name, pid_t pid) {
  if (cgroup_version() != CgroupVersion::v2) return {};
  const std::string group = internal::unified_group_of(std::to_string(pid));
  if (base_name(group) != group_name)
    return fail(Error(Code::conflict, "enter cgroup").on(group_name).why("the process is in \"" + group + "\""));
  const std::string leaf = internal::hierarchies().front().mount + group + "/" + std::string(internal::leaf_name);
  if (::mkdir(leaf.c_str(), 0755) != 0 && errno != EEXIST) return fail_errno("create cgroup", leaf);
  const Fd procs = TRY(open_file(leaf + "/cgroup.procs", O_WRONLY));
  return write_full(procs.get(), std::to_string(pid));
}

std::string delegated_group() {
  if (cgroup_version() != CgroupVersion::v2) return {};
  return internal::delegated_group_of(internal::unified_group_of("self"));
}

std::string delegated_group_of(pid_t pid) {
  if (cgroup_version() != CgroupVersion::v2) return {};
  return internal::delegated_group_of(internal::unified_group_of(std::to_string(pid)));
}

std::vector<std::string> controllers_of(const std::string& group) {
  if (cgroup_version() != CgroupVersion::v2) return {};
  const std::string file = internal::hierarchies().front().mount + group + "/cgroup.controllers";
  const Result<std::string> text = read_file(file, 4096);
  std::vector<std::string> names;
  for (const std::string& word : split(trim(text ? *text : std::string()), ' '))
    if (!word.empty()) names.push_back(word);
  return names;
}

CgroupVersion cgroup_version() {
  bool unified = false;
  bool controllers_on_v1 = false;
  for (const internal::Hierarchy& hierarchy : internal::hierarchies()) {
    unified |= hierarchy.unified;
    controllers_on_v1 |= !hierarchy.unified && !hierarchy.is_named();
  }
  if (controllers_on_v1) return unified ? CgroupVersion::hybrid : CgroupVersion::v1;
  return unified ? CgroupVersion::v2 : CgroupVersion::none;
}

}  // namespace consort::runtime

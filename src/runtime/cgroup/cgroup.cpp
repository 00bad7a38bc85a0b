#include "runtime/cgroup.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/processes/process.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/strings.hpp"
#include "runtime/cgroup/cgroup_claim.hpp"
#include "runtime/cgroup/cgroup_files.hpp"
#include "runtime/cgroup/cgroup_hierarchy.hpp"

namespace consort::runtime {

using internal::CgroupWrite;
using internal::groups_below;
using internal::Hierarchy;
using internal::pause_briefly;
using internal::read_value;
using internal::SweepsKeptOut;
using internal::write_value;

Cgroup::Cgroup(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
Cgroup::Cgroup(Cgroup&&) noexcept = default;
Cgroup& Cgroup::operator=(Cgroup&&) noexcept = default;
Cgroup::~Cgroup() = default;
const std::string& Cgroup::path() const {
  return impl_->path;
}

namespace {

bool is_wanted(const Hierarchy& hierarchy, const std::vector<CgroupWrite>& writes, bool unified_exists,
               GroupBreadth breadth) {
  if (hierarchy.takes_every_container() || breadth == GroupBreadth::all) return true;
  if (hierarchy.has("freezer")) return !unified_exists;  // cgroup.freeze of v2 is preferable
  return std::ranges::any_of(writes, [&](const CgroupWrite& write) { return hierarchy.has(write.controller); });
}

// v1's cpuset starts empty, and an empty one accepts no process: each level is filled from the one above.
Result<> fill_cpuset(const std::string& parent, const std::string& directory) {
  for (const char* const file : {"/cpuset.cpus", "/cpuset.mems"}) {
    if (!trim(read_value(directory + file)).empty()) continue;
    TRY(write_value(directory + file, std::string(trim(read_value(parent + file)))));
  }
  return {};
}

// v2: every controller that limits the children must be enabled at every level above them. A missing one is not
// reported here: writing the limit itself does that.
void hand_down_controllers(const std::string& directory, const Hierarchy& hierarchy) {
  const std::string file = directory + "/cgroup.subtree_control";
  const std::vector<std::string> enabled = split(trim(read_value(file)), ' ');
  for (const std::string_view controller : {"cpu", "memory", "pids", "io", "cpuset"})
    if (hierarchy.has(controller) && std::ranges::find(enabled, controller) == enabled.end())
      (void)write_value(file, "+" + std::string(controller));
}

Result<> make_levels(const Hierarchy& hierarchy, const std::string& path) {
  std::string above = hierarchy.directory("");
  for (const std::string& name : split(path, '/')) {
    if (name.empty()) continue;
    if (hierarchy.unified) hand_down_controllers(above, hierarchy);
    const std::string directory = above + "/" + name;
    if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) {
      Error error = errno_error(errno, "create cgroup", directory);
      if (error.code() == Code::denied || error.sys_errno() == EROFS)
        error.data().hint = "without root, a cgroup must be delegated to the user (systemd does so with cgroup v2)";
      return fail(std::move(error));
    }
    if (hierarchy.has("cpuset") && !hierarchy.unified) TRY(fill_cpuset(above, directory));
    above = directory;
  }
  return {};
}

// Creates the cgroup and claims it until a process has been put into it.
Result<Fd> make_claimed(const Hierarchy& hierarchy, const std::string& path) {
  const std::string directory = hierarchy.directory(path);
  const auto try_once = [&]() -> Result<Fd> {
    TRY(make_levels(hierarchy, path));
    return internal::claim_to_make(directory);
  };
  constexpr int max_tries = 100;
  for (int i = 0; i < max_tries; ++i) {
    Result<Fd> claim = try_once();
    if (claim || claim.error().code() != Code::not_found) return claim;  // else it was swept before we had the lock
  }
  return fail(Error(Code::busy, "create cgroup").on(directory).why("other programs keep removing it"));
}

// An empty cgroup is left over from a process that was killed, and still has its limits. Also, since Linux 6.14 a
// process that is created in a cgroup (CLONE_INTO_CGROUP) dies at once if cgroup.kill was ever written there.
void remove_leftover(const std::string& clean) {
  const SweepsKeptOut alone(clean);
  for (const Hierarchy& hierarchy : internal::hierarchies())
    if (alone.may_remove_from(hierarchy)) ::rmdir(hierarchy.directory(clean).c_str());
}

std::string checked_path(const std::string& path) {
  return clean_path("/" + path);
}

}  // namespace

Cgroup Cgroup::open(const std::string& path) {
  auto impl = std::make_unique<Impl>();
  impl->path = checked_path(path);
  if (impl->path == "/") return Cgroup(std::move(impl));
  for (const Hierarchy& hierarchy : internal::hierarchies()) {
    std::string directory = hierarchy.directory(impl->path);
    struct stat st;
    if (::stat(directory.c_str(), &st) == 0) impl->parts.push_back({&hierarchy, std::move(directory)});
  }
  return Cgroup(std::move(impl));
}

Result<Cgroup> Cgroup::create(const std::string& path, const Resources& resources, std::vector<std::string>& warnings,
                              GroupBreadth breadth) {
  const std::string clean = checked_path(path);
  if (clean == "/") return fail(Code::invalid, "create cgroup", "\"" + path + "\"");
  const auto& all = internal::hierarchies();
  if (all.empty())
    return fail(Error(Code::unsupported, "create cgroup").on(clean).why("no cgroup hierarchy is mounted"));
  const bool unified_exists = std::ranges::any_of(all, [](const Hierarchy& h) { return h.unified; });
  const std::vector<CgroupWrite> writes = internal::limits_v1(resources);
  if (breadth == GroupBreadth::needed) remove_leftover(clean);

  auto impl = std::make_unique<Impl>();
  impl->path = clean;
  Cgroup group(std::move(impl));
  const auto build = [&]() -> Result<> {
    for (const Hierarchy& hierarchy : all) {
      if (!is_wanted(hierarchy, writes, unified_exists, breadth)) continue;
      group.impl_->parts.push_back({&hierarchy, hierarchy.directory(clean)});
      if (group.impl_->claim)
        TRY(make_levels(hierarchy, clean));
      else
        group.impl_->claim = TRY(make_claimed(hierarchy, clean));
    }
    if (!TRY(group.pids()).empty())
      return fail(Error(Code::conflict, "create cgroup").on(clean).why("it exists and has processes"));
    return group.update(resources, warnings);
  };
  if (Result<> built = build(); !built) {
    // Do not remove a cgroup that contains processes of others.
    if (built.error().code() != Code::conflict) (void)group.remove();
    return fail(std::move(built).error());
  }
  return group;
}

Result<Fd> Cgroup::open_for_clone() const {
  const Impl::Part* part = impl_->unified();
  if (!part) return Fd();
  return open_file(part->directory, O_RDONLY | O_DIRECTORY);
}

Result<Fd> Cgroup::open_for_clone_beside(pid_t pid) const {
  const Impl::Part* part = impl_->unified();
  if (!part) return Fd();
  const std::string group = part->hierarchy->mount + internal::unified_group_of(std::to_string(pid));
  return open_file(group.starts_with(part->directory + "/") ? group : part->directory, O_RDONLY | O_DIRECTORY);
}

Result<std::vector<Fd>> Cgroup::open_for_joining() const {
  std::vector<Fd> files;
  for (const Impl::Part& part : impl_->parts)
    if (!part.hierarchy->unified) files.push_back(TRY(open_file(part.directory + "/tasks", O_WRONLY)));
  return files;
}

Result<> Cgroup::add(pid_t pid) const {
  for (const Impl::Part& part : impl_->parts) TRY(write_value(part.directory + "/cgroup.procs", std::to_string(pid)));
  return {};
}

namespace {

// Device rules are a dozen writes to the same file.
class OpenValue {
 public:
  Result<> write(const std::string& path, const std::string& text) {
    if (path != path_) {
      path_.clear();
      fd_ = TRY(open_file(path, O_WRONLY));
      path_ = path;
    }
    if (::write(fd_.get(), text.data(), text.size()) < 0) return fail_errno("write \"" + text + "\" to", path);
    return {};
  }

 private:
  std::string path_;
  Fd fd_;
};

// v1 requires memory <= memory+swap at every moment; when a limit rises, the sum has to rise first.
bool is_out_of_order(const CgroupWrite& write, const Error& error) {
  return write.file == "memory.limit_in_bytes" && error.sys_errno() == EINVAL;
}

// The file's name with the BFQ scheduler, or "". Without CFQ, removed in Linux 5.0, v1 has weights only under this
// name.
std::string name_in_bfq(std::string_view file) {
  constexpr std::string_view group = "blkio.";
  return file.starts_with("blkio.weight") ? "blkio.bfq." + std::string(file.substr(group.size())) : "";
}

Error limit_error(Error error, const CgroupWrite& write) {
  if (write.file == "cpuset.cpus" || write.file == "cpuset.mems")
    return std::move(error).wrap("set cpuset to " + write.text);
  return error;
}

}  // namespace

Result<> Cgroup::update(const Resources& resources, std::vector<std::string>& warnings) const {
  std::vector<CgroupWrite> postponed;
  OpenValue file;
  const auto apply = [&](const CgroupWrite& write, const Impl::Part& part) -> Result<> {
    Result<> written = file.write(part.directory + "/" + write.file, write.text);
    if (const std::string other = name_in_bfq(write.file);
        !other.empty() && !written && written.error().sys_errno() == ENOENT)
      written = file.write(part.directory + "/" + other, write.text);
    if (written) return {};
    if (written.error().sys_errno() == ENOENT || written.error().sys_errno() == EOPNOTSUPP) {
      warnings.push_back("this kernel has no " + write.file + ": limit ignored");
      return {};
    }
    return fail(limit_error(std::move(written).error(), write));
  };
  const auto apply_all = [&](const std::vector<CgroupWrite>& writes, bool unified) -> Result<> {
    for (const CgroupWrite& write : writes) {
      const Impl::Part* part = impl_->part_with(write.controller);
      if (!part && unified != (impl_->unified() && cgroup_version() == CgroupVersion::v2)) continue;
      if (!part) {
        if (write.controller != "devices")
          warnings.push_back("the cgroup controller " + write.controller + " is not available: limit ignored");
        continue;
      }
      if (part->hierarchy->unified != unified) continue;
      Result<> written = apply(write, *part);
      if (!written && is_out_of_order(write, written.error())) {
        postponed.push_back(write);
      } else if (!written) {
        return written;
      }
    }
    for (const CgroupWrite& write : postponed) TRY(apply(write, *impl_->part_with(write.controller)));
    postponed.clear();
    return {};
  };
  TRY(apply_all(internal::limits_v1(resources), false));
  TRY(apply_all(internal::limits_v2(resources), true));
  const Impl::Part* unified = impl_->unified();
  if (!resources.devices.empty() && !impl_->part_with("devices") && unified) {
    const Fd directory = TRY(open_file(unified->directory, O_RDONLY | O_DIRECTORY));
    Result<> attached = internal::attach_device_filter(directory.get(), resources.devices);
    // Without root no program can be attached; the node's own mode is then the only protection, as in every rootless
    // engine.
    if (!attached && (attached.error().code() != Code::denied || !in_user_namespace())) return attached;
  }
  return {};
}

namespace {

// Cgroups are directories; the files in them go with them.
Result<> remove_group_tree(const std::string& directory) {
  if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return {};
  const int number = errno;
  if (number != EBUSY && number != ENOTEMPTY) return fail_errno(number, "remove cgroup", directory);
  for (const std::string& below : groups_below(directory)) (void)remove_group_tree(below);
  if (::rmdir(directory.c_str()) == 0 || errno == ENOENT) return {};
  return fail_errno("remove cgroup", directory);
}

}  // namespace

Result<GroupRemoval> Cgroup::try_remove() const {
  const SweepsKeptOut alone(impl_->path);
  std::optional<Error> first;
  bool waits = false;
  for (const Impl::Part& part : impl_->parts) {
    if (!alone.may_remove_from(*part.hierarchy)) continue;
    Result<> removed = remove_group_tree(part.directory);
    const bool busy = !removed && removed.error().sys_errno() == EBUSY;
    if (busy && !waits) (void)kill_all();
    if (busy) removed = remove_group_tree(part.directory);  // dying processes are often gone by now
    if (removed) continue;
    if (removed.error().sys_errno() == EBUSY)
      waits = true;
    else if (first)
      first->data().also.push_back(std::move(removed).error());
    else
      first = std::move(removed).error();
  }
  if (first) return fail(std::move(*first));
  return waits ? GroupRemoval::waits : GroupRemoval::done;
}

Result<> Cgroup::remove() const {
  for (int i = 0; TRY(try_remove()) == GroupRemoval::waits; ++i) {
    if (i == internal::patience_steps) return fail_errno(EBUSY, "remove cgroup", impl_->path);
    pause_briefly();
  }
  return {};
}

std::vector<Cgroup::View> Cgroup::views() const {
  std::vector<View> list;
  const bool only_unified = cgroup_version() == CgroupVersion::v2;
  for (const Impl::Part& part : impl_->parts) {
    if (part.hierarchy->unified) {
      list.push_back({only_unified ? "" : "unified", part.directory});
    } else {
      list.push_back({base_name(part.hierarchy->mount), part.directory});
    }
  }
  return list;
}

}  // namespace consort::runtime

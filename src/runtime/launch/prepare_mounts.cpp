// Root, mounts, devices and sysctls of a container, prepared for the child.
#include <fcntl.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/processes/container_users.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/os/trees/overlay_view.hpp"
#include "base/strings.hpp"
#include "runtime/launch/child_files.hpp"
#include "runtime/launch/prepare.hpp"
#include "runtime/launch/rootfs.hpp"
#include "runtime/spec/mount_options.hpp"

namespace consort::runtime::internal {

namespace {

// Docker's meaning of "ro" for an "rbind", where nothing becomes writable; or OCI's.
enum class Manner : std::uint8_t { ours, to_the_letter };

constexpr unsigned long atime_flags = MS_NOATIME | MS_RELATIME | MS_STRICTATIME;

// Only one of the access time options is in effect, so each replaces the others.
std::uint64_t clear_of(unsigned long set, unsigned long clear) {
  std::uint64_t attributes = mount_attributes(clear) & ~static_cast<std::uint64_t>(MOUNT_ATTR__ATIME);
  if ((set | clear) & atime_flags) attributes |= MOUNT_ATTR__ATIME;
  return attributes;
}

std::string tree_path_of(const Fd& tree) {
  return "/proc/self/fd/" + std::to_string(tree.get());
}

// The options for everything mounted below, taken literally.
Result<> set_recursive_options(const MountOptions& options, const PreparedMount& mount) {
  if (!options.all_set && !options.all_clear) return {};
  if (set_attributes(mount.tree.get(), mount_attributes(options.all_set), clear_of(options.all_set, options.all_clear),
                     0, true) == 0)
    return {};
  return fail_errno("set options " + flags_text(options.all_set) + " of all in", mount.shown);
}

// Attributes and propagation while the tree is still detached; if the kernel has no mount_setattr, the child does it.
Result<> set_bind_options(const MountOptions& options, PreparedMount& mount, Manner manner) {
  unsigned long propagation = options.propagation ? options.propagation : MS_PRIVATE | MS_REC;
  mount.in_turn = manner == Manner::to_the_letter;
  if (mount.in_turn && propagation & MS_UNBINDABLE) {
    mount.last_propagation = propagation;
    propagation = MS_PRIVATE | (propagation & MS_REC);
  }
  const bool all = manner == Manner::ours && options.recursive && (options.set & MS_RDONLY);
  // A read-only mount of the host does not become writable, unless a foreign bundle requests it.
  const unsigned long kept = manner == Manner::ours ? MS_RDONLY | atime_flags : 0;
  const std::uint64_t clear = clear_of(options.set, options.clear & ~kept);
  const std::uint64_t set = mount_attributes(options.set);
  const unsigned long kind = propagation & ~static_cast<unsigned long>(MS_REC);
  const bool kind_for_all = propagation & MS_REC;
  const int tree = mount.tree.get();
  // A single call if possible; a tree without submounts, the usual case, has no "all".
  const bool together = all == kind_for_all || !options.recursive;
  const int done = together ? set_attributes(tree, set, clear, kind, all)
                            : (set || clear ? set_attributes(tree, set, clear, 0, all) : 0) |
                                  set_attributes(tree, 0, 0, kind, kind_for_all);
  if (done == 0) return set_recursive_options(options, mount);
  if (errno != ENOSYS) return fail_errno("set options " + flags_text(options.set) + " of", mount.shown);
  mount.late_remount = options.set | options.all_set;
  mount.late_propagation = propagation;
  return {};
}

Result<PreparedMount> prepare_bind(const std::string& source, const std::string& destination,
                                   const MountOptions& options, Manner manner = Manner::ours) {
  PreparedMount mount;
  mount.kind = PreparedMount::Kind::bind;
  mount.destination = destination;
  mount.source = source;
  mount.shown = "\"" + source + "\" on \"" + destination + "\"";
  mount.tree = TRY_WRAP(clone_path(source, options.recursive ? Recursion::all : Recursion::none), "mount", mount.shown);
  mount.tree_path = tree_path_of(mount.tree);
  struct stat st;
  if (::fstat(mount.tree.get(), &st) != 0) return fail_errno("look at", source);
  mount.target_is_file = !S_ISDIR(st.st_mode);
  TRY(set_bind_options(options, mount, manner));
  return mount;
}

// Maps the owners of bound files, by the mount's own maps or otherwise by the container's.
Result<> map_owners(const Mount& from, const MountOptions& options, const Linux& container, PreparedMount& mount) {
  const bool own = !from.uid_mappings.empty();
  if (!own && !options.idmap) return {};
  const auto& uids = own ? from.uid_mappings : container.uid_mappings;
  const auto& gids = own ? from.gid_mappings : container.gid_mappings;
  if (uids.empty() || gids.empty())
    return fail(Error(Code::invalid, "map owners of").on(mount.shown).why("no id mappings are given"));
  const NamespacesOfNobody made = TRY(make_user_namespace(map_text(uids), map_text(gids)));
  const MapSubmounts submounts = options.idmap_all ? MapSubmounts::yes : MapSubmounts::no;
  const Result<> mapped = map_mount_owners(mount.tree.get(), made.users.get(), submounts);
  if (mapped) return {};
  Error error = errno_error(mapped.error().sys_errno(), "map owners of", mount.shown);
  if (error.sys_errno() == EINVAL) error.data().hint = "its file system cannot be mapped by this kernel";
  return fail(std::move(error));
}

// With its own users, one of our containers sees the same owners of the host's files as without. Mounts below may not
// be mappable (another proc); the top one has been checked when the container was requested.
void show_owners(PreparedMount& mount) {
  const Result<int> users = container_users();
  if (!users || map_mount_owners(mount.tree.get(), *users, MapSubmounts::yes)) return;
  (void)map_mount_owners(mount.tree.get(), *users, MapSubmounts::no);
}

bool has_container_users(const Spec& spec, const LaunchOptions& options) {
  return !options.foreign && !spec.linux_.uid_mappings.empty() &&
         spec.linux_.uid_mappings.front().host_id == first_container_id;
}

// With a single mapped user, there is no tty group.
std::string without_group(const std::string& data) {
  std::string kept;
  for (const std::string& option : split(data, ','))
    if (!option.starts_with("gid=")) kept += (kept.empty() ? "" : ",") + option;
  return kept;
}

PreparedMount prepare_filesystem(const Mount& from, const MountOptions& options) {
  PreparedMount mount;
  mount.destination = from.destination;
  mount.type = from.type;
  mount.source = from.source.empty() ? from.type : from.source;
  mount.flags = options.set;
  mount.data = from.type == "devpts" && has_one_user() ? without_group(options.data) : options.data;
  mount.keeps_mode = from.type == "tmpfs" && ("," + options.data).find(",mode=") == std::string::npos;
  mount.refuse_links = from.type == "proc" || from.type == "sysfs";
  mount.shown = from.type + " on \"" + from.destination + "\"";
  mount.late_propagation = options.propagation;
  mount.all_set = mount_attributes(options.all_set);
  mount.all_clear = options.all_set || options.all_clear ? clear_of(options.all_set, options.all_clear) : 0;
  return mount;
}

// The container's own cgroup, read-only unless the spec says rw: one bind on v2, a tmpfs with one per hierarchy on v1.
Result<> prepare_cgroup_mounts(const Mount& from, const MountOptions& options, const Cgroup* cgroup,
                               std::vector<PreparedMount>& mounts) {
  if (!cgroup) return {};
  const std::vector<Cgroup::View> views = cgroup->views();
  MountOptions bind = options;
  bind.bind = true;
  if (views.size() == 1 && views[0].name.empty()) {
    mounts.push_back(TRY(prepare_bind(views[0].directory, from.destination, bind)));
    return {};
  }
  Mount base = from;
  base.type = base.source = "tmpfs";
  MountOptions base_options = options;
  base_options.set &= ~static_cast<unsigned long>(MS_RDONLY);
  base_options.data = "mode=755";
  mounts.push_back(prepare_filesystem(base, base_options));
  for (const Cgroup::View& view : views)
    mounts.push_back(TRY(prepare_bind(view.directory, from.destination + "/" + view.name, bind)));
  if (options.set & MS_RDONLY) {
    PreparedMount seal;
    seal.kind = PreparedMount::Kind::remount_readonly;
    seal.destination = from.destination;
    seal.flags = options.set;
    seal.shown = "\"" + from.destination + "\" read-only";
    mounts.push_back(std::move(seal));
  }
  return {};
}

// A tmpfs that begins with the content it covers. Made here, where files can be copied; the child attaches it.
Result<PreparedMount> prepare_copied_up(const Mount& from, const MountOptions& options, int root) {
  PreparedMount mount;
  mount.kind = PreparedMount::Kind::bind;
  mount.destination = from.destination;
  mount.shown = "tmpfs on \"" + from.destination + "\"";
  mount.tree = TRY_WRAP(make_copied_tmpfs(root, from.destination, options.data), "mount", mount.shown);
  mount.tree_path = tree_path_of(mount.tree);
  TRY(set_bind_options(options, mount, Manner::to_the_letter));
  return mount;
}

// The layers of an image (in the engine: a mount of type image). No process inside could mount them with their owners.
Result<PreparedMount> prepare_layers(const Mount& from, const MountOptions& options) {
  PreparedMount mount;
  mount.kind = PreparedMount::Kind::bind;
  mount.destination = from.destination;
  mount.shown = "overlay on \"" + from.destination + "\"";
  OverlayRoot overlay;
  overlay.owners = OverlayRoot::Owners::of_container;
  overlay.lower = overlay_lower_directories(options.data);
  mount.tree = TRY_WRAP(mount_overlay(overlay, {}), "mount", mount.shown);
  mount.tree_path = tree_path_of(mount.tree);
  TRY(set_bind_options(options, mount, Manner::ours));
  return mount;
}

// /dev with its nodes, which cannot be created in a user namespace. The container's root owns the directory.
Result<PreparedMount> prepare_device_directory(const Mount& from, const MountOptions& options, const Spec& spec) {
  PreparedMount mount;
  mount.kind = PreparedMount::Kind::bind;
  mount.destination = from.destination;
  mount.shown = "tmpfs on \"" + from.destination + "\"";
  mount.tree = TRY_WRAP(make_tmpfs(options.data), "mount", mount.shown);
  mount.tree_path = tree_path_of(mount.tree);
  TRY(make_device_nodes(mount.tree.get(), spec));
  TRY(set_bind_options(options, mount, Manner::ours));
  return mount;
}

bool is_bind(const Mount& mount, const MountOptions& options) {
  return options.bind || mount.type == "bind";
}

// File systems that show a namespace can be mounted by its owner; a user does not own the host's. If the container
// shares the host's, it gets the host's mount of it.
std::string shared_with_host(const Mount& mount, const Spec& spec, const LaunchOptions& options) {
  if (!in_user_namespace()) return {};
  const auto shares = [&spec](NamespaceKind kind) { return spec.find_namespace(kind) == nullptr; };
  if (mount.type == "proc" && shares(NamespaceKind::pid)) return "/proc";
  if (mount.type == "mqueue" && shares(NamespaceKind::ipc)) return "/dev/mqueue";
  if (mount.type == "sysfs" && shares(NamespaceKind::network) && options.netns_fd < 0 && !owns_network()) return "/sys";
  return {};
}

Result<> prepare_mount(const Mount& mount, const Spec& spec, const LaunchOptions& options, const Cgroup* cgroup,
                       Prepared& plan) {
  MountOptions words = parse_mount_options(mount.options);
  if (is_bind(mount, words)) {
    if (mount.destination == "/dev") plan.make_devices = false;  // the host's nodes are included
    const Manner manner = options.foreign ? Manner::to_the_letter : Manner::ours;
    plan.mounts.push_back(TRY(prepare_bind(join_path(options.bundle, mount.source), mount.destination, words, manner)));
    if (has_container_users(spec, options)) show_owners(plan.mounts.back());
    return map_owners(mount, words, spec.linux_, plan.mounts.back());
  }
  if (has_container_users(spec, options) && mount.type == "overlay") {
    plan.mounts.push_back(TRY(prepare_layers(mount, words)));
    return {};
  }
  if (has_container_users(spec, options) && mount.type == "tmpfs" && mount.destination == "/dev") {
    plan.mounts.push_back(TRY(prepare_device_directory(mount, words, spec)));
    plan.device_directory = true;
    return {};
  }
  if (words.copy_up && mount.type == "tmpfs") {
    plan.mounts.push_back(TRY(prepare_copied_up(mount, words, plan.root.get())));
    return {};
  }
  if (mount.type == "cgroup" || mount.type == "cgroup2")
    return prepare_cgroup_mounts(mount, words, cgroup, plan.mounts);
  if (const std::string source = shared_with_host(mount, spec, options); !source.empty()) {
    words.recursive = true;
    words.data.clear();
    if (Result<PreparedMount> bound = prepare_bind(source, mount.destination, words))
      plan.mounts.push_back(std::move(*bound));
    return {};  // a host may lack POSIX message queues
  }
  if (mount.type.empty())
    return fail(Error(Code::invalid, "mount").on("\"" + mount.destination + "\"").why("it has no type"));
  plan.mounts.push_back(prepare_filesystem(mount, words));
  return {};
}

}  // namespace

Result<> prepare_root(const Spec& spec, const LaunchOptions& options, Prepared& plan) {
  if (options.root_fd >= 0) {
    plan.root = TRY(duplicate(options.root_fd));
  } else if (options.overlay) {
    plan.root = TRY(mount_overlay(*options.overlay, options.bundle));
  } else {
    const std::string path = join_path(options.bundle, spec.root_path);
    plan.root = TRY_WRAP(clone_path(path, Recursion::all), "prepare root file system");
    (void)set_attributes(plan.root.get(), 0, 0, MS_PRIVATE, true);
  }
  // A process with other users cannot traverse the directories that lead to the bundle (docs/decisions/0062). Any
  // directory that exists everywhere will do; the host's /dev is no longer needed.
  plan.attach_path = has_container_users(spec, options) ? "/dev" : options.bundle;
  plan.root_readonly = spec.root_readonly;
  if (!spec.linux_.rootfs_propagation.empty()) {
    plan.root_propagation = propagation_flag(spec.linux_.rootfs_propagation);
    if (!plan.root_propagation)
      return fail(Code::invalid, "linux.rootfsPropagation", "\"" + spec.linux_.rootfs_propagation + "\"");
  }
  plan.masked = spec.linux_.masked_paths;
  plan.readonly = spec.linux_.readonly_paths;
  return {};
}

Result<> prepare_mounts(const Spec& spec, const LaunchOptions& options, const Cgroup* cgroup, Prepared& plan) {
  plan.make_devices = true;
  for (const Mount& mount : spec.mounts)
    if (Result<> prepared = prepare_mount(mount, spec, options, cgroup, plan); !prepared)
      return fail(std::move(prepared).error().about(Subject::mount, mount.destination));
  const auto wants_init = spec.annotations.find(std::string(init_annotation));
  if (wants_init != spec.annotations.end() && wants_init->second == "true") {
    MountOptions readonly;
    readonly.set = MS_RDONLY;
    if (options.init_program.empty()) return fail(Code::internal, "prepare init", "without its program");
    plan.mounts.push_back(TRY(prepare_bind(options.init_program, std::string(init_target), readonly)));
  }
  return {};
}

void prepare_devices(const Spec& spec, Prepared& plan) {
  plan.devices = devices_of(spec);
  if (plan.device_directory)
    std::erase_if(plan.devices, [](const PreparedDevice& device) { return device.path.starts_with(dev_prefix); });
  const bool joins_users = std::ranges::find(plan.join_kinds, CLONE_NEWUSER) != plan.join_kinds.end();
  if (!(plan.clone_flags & CLONE_NEWUSER) && !joins_users && !in_user_namespace()) return;
  // mknod is refused in a user namespace; nodes from outside are bound instead.
  MountOptions none;
  const Result<Fd> own = make_own_nodes(plan.devices, spec);
  for (std::size_t i = 0; i < plan.devices.size(); ++i) {
    const PreparedDevice& device = plan.devices[i];
    const std::string made = own ? tree_path_of(*own) + "/" + std::to_string(i) : std::string();
    Result<PreparedMount> bound = prepare_bind(own && path_exists(made) ? made : node_of(device), device.path, none);
    if (!bound) bound = prepare_bind(node_of(device), device.path, none);
    if (bound) plan.mounts.push_back(std::move(*bound));
  }
  plan.devices.clear();
}

void prepare_sysctls(const Spec& spec, Prepared& plan) {
  for (const auto& [key, value] : spec.linux_.sysctl) {
    // As in sysctl(8): the first separator decides, so that net.ipv4.conf.eth0/1.forwarding can be expressed.
    std::string path = key;
    const std::size_t first = path.find_first_of("./");
    const bool dotted = first == std::string::npos || path[first] == '.';
    if (dotted)
      for (char& c : path) c = c == '.' ? '/' : c == '/' ? '.' : c;
    plan.sysctls.push_back({"proc/sys/" + path, value, key + "=" + value});
  }
}

}  // namespace consort::runtime::internal

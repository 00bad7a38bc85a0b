// Steps that build the container's file system.
#include <fcntl.h>
#include <linux/magic.h>
#include <linux/mount.h>
#include <sched.h>
#include <sys/ioctl.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <sys/syscall.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include <cerrno>
#include <climits>
#include <cstring>

#include "base/os/propagation.hpp"
#include "runtime/launch/child_files.hpp"
#include "runtime/launch/steps_list.hpp"
#include "runtime/spec/mount_options.hpp"

namespace consort::runtime::internal {

namespace {

Outcome failed(int argument = 0) {
  return {errno, argument};
}

// propagation in MS_ flags; before pivot_root the host's /proc is still available for access by path.
int propagate(const PreparedMount& mount) {
  if (!mount.late_propagation) return 0;
  return ::mount(nullptr, mount.tree_path.c_str(), nullptr, mount.late_propagation, nullptr);
}

int attach_bind(const PreparedMount& mount, int target) {
  if (move_onto(mount.tree.get(), target) != 0) return -1;
  if (mount.late_remount &&
      ::mount(nullptr, mount.tree_path.c_str(), nullptr, MS_BIND | MS_REMOUNT | mount.late_remount, nullptr) != 0)
    return -1;
  return propagate(mount);
}

// The kernel lists mounts in the order of their creation, and the trees to be bound were created before all others.
// Programs that compare that list with the config (the specification: mounted in the listed order) see a copy that is
// made now. A tree that cannot be copied is used itself.
int renew(const PreparedMount& mount, int target) {
  const int copy = clone_tree(mount.tree.get(), true);
  if (copy < 0) return 0;
  int result = 0;
  if (::umount2(mount.tree_path.c_str(), MNT_DETACH) == 0) {
    const unsigned long kind = mount.last_propagation & ~static_cast<unsigned long>(MS_REC);
    result = move_onto(copy, target);
    if (result == 0 && kind) result = set_attributes(copy, 0, 0, kind, mount.last_propagation & MS_REC);
  }
  const int saved = errno;
  ::close(copy);
  errno = saved;
  return result;
}

// mount(2) takes a path, and paths into the container are only safe as descriptors: "." after fchdir is one. mode: -1 =
// the file system's own.
int mount_filesystem(const PreparedMount& mount, int target, int mode) {
  if (::fchdir(target) != 0) return -1;
  const char* data = mount.data.empty() ? nullptr : mount.data.c_str();
  char with_mode[PATH_MAX];
  if (mode >= 0) {
    const char digits[] = {static_cast<char>('0' + (mode >> 9 & 7)), static_cast<char>('0' + (mode >> 6 & 7)),
                           static_cast<char>('0' + (mode >> 3 & 7)), static_cast<char>('0' + (mode & 7)), '\0'};
    const std::size_t length = mount.data.size();
    constexpr char option[] = ",mode=";
    if (length + sizeof option + sizeof digits > sizeof with_mode) {
      errno = ENAMETOOLONG;
      return -1;
    }
    std::memcpy(with_mode, mount.data.c_str(), length);
    std::memcpy(with_mode + length, option, sizeof option - 1);
    std::memcpy(with_mode + length + sizeof option - 1, digits, sizeof digits);
    data = length == 0 ? with_mode + 1 : with_mode;
  }
  if (::mount(mount.source.c_str(), ".", mount.type.c_str(), mount.flags, data) != 0) return -1;
  return 0;
}

int remount_readonly(const PreparedMount& mount, int target) {
  if (set_attributes(target, MOUNT_ATTR_RDONLY, 0, 0, false) == 0) return 0;
  if (errno != ENOSYS) return -1;
  if (::fchdir(target) != 0) return -1;
  return ::mount(nullptr, ".", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY | mount.flags, nullptr);
}

bool is_proc(int fd) {
  struct statfs st;
  return ::fstatfs(fd, &st) == 0 && st.f_type == PROC_SUPER_MAGIC;
}

constexpr unsigned place_mask = STATX_INO | STATX_MNT_ID;

// What open_inside finds at path; the mask is empty if it does not exist.
struct statx look_inside(int root, const char* path) {
  struct statx st {};
  const int fd = open_inside(root, path, O_PATH, Links::refuse);
  if (fd < 0) return st;
  if (::statx(fd, "", AT_EMPTY_PATH, place_mask, &st) != 0) st = {};
  ::close(fd);
  return st;
}

bool is_at(const struct statx& place, int root, const char* path) {
  const struct statx st = look_inside(root, path);
  return (st.stx_mask & STATX_INO) && st.stx_ino == place.stx_ino && st.stx_mnt_id == place.stx_mnt_id;
}

// Whether fd is in the container's proc. One mounted elsewhere, such as the host's at /host/proc, is an ordinary
// directory.
bool is_in_proc(int root, int fd) {
  struct statx place {};
  if (!is_proc(fd) || ::statx(fd, "", AT_EMPTY_PATH, place_mask, &place) != 0) return false;
  const struct statx proc = look_inside(root, "/proc");
  const bool knows_mounts = place.stx_mask & proc.stx_mask & STATX_MNT_ID;  // since Linux 5.8
  return !knows_mounts || place.stx_mnt_id == proc.stx_mnt_id;
}

// Mounts over /proc determine what programs believe about the kernel, and undo the masking there. So only another proc
// may cover all of it, and only the files that lxcfs provides may be covered individually. The same check as in runc,
// applied to the resolved target because an image may contain symlinks.
bool may_lie_there(int root, int target, const PreparedMount& mount) {
  constexpr const char* of_lxcfs[] = {"/proc/cpuinfo",
                                      "/proc/diskstats",
                                      "/proc/meminfo",
                                      "/proc/stat",
                                      "/proc/swaps",
                                      "/proc/uptime",
                                      "/proc/loadavg",
                                      "/proc/slabinfo",
                                      "/proc/sys/kernel/ns_last_pid",
                                      "/proc/sys/crypto/fips_enabled"};
  struct statx place {};
  if (::statx(target, "", AT_EMPTY_PATH, place_mask, &place) != 0) return false;
  // Also if there is no proc: a user's mount there replaces the default.
  if (is_at(place, root, "/proc")) return mount.tree ? is_proc(mount.tree.get()) : mount.type == "proc";
  if (!is_in_proc(root, target)) return true;
  for (const char* path : of_lxcfs)
    if (is_at(place, root, path)) return true;
  return false;
}

// For a target that does not exist and could not be created: the nearest existing directory above it.
bool would_be_in_proc(int root, const char* path) {
  char above[PATH_MAX];
  if (std::strlen(path) >= sizeof above) return false;
  std::strcpy(above, path);
  while (char* const slash = std::strrchr(above, '/')) {
    *slash = '\0';
    const int fd = open_inside(root, *above ? above : "/", O_PATH);
    if (fd < 0) continue;
    const bool inside = is_in_proc(root, fd);
    ::close(fd);
    return inside;
  }
  return false;
}

bool is_there(int root, const char* path) {
  const int fd = open_inside(root, path, O_PATH, Links::follow);
  if (fd >= 0) ::close(fd);
  return fd >= 0;
}

// Options that mount(2) does not take, for the file system that has just been mounted there.
int set_on_top(const Child& child, const PreparedMount& mount) {
  if (!mount.late_propagation && !mount.all_set && !mount.all_clear) return 0;
  const int top = open_inside(child.root, mount.destination.c_str(), O_PATH);
  if (top < 0) return -1;
  const unsigned long kind = mount.late_propagation & ~static_cast<unsigned long>(MS_REC);
  int result = kind ? set_attributes(top, 0, 0, kind, mount.late_propagation & MS_REC) : 0;
  if (result == 0 && (mount.all_set || mount.all_clear))
    result = set_attributes(top, mount.all_set, mount.all_clear, 0, true);
  ::close(top);
  return result;
}

int make_one_mount(const Child& child, const PreparedMount& mount) {
  const bool keeps_mode = mount.keeps_mode && is_there(child.root, mount.destination.c_str());
  const int target =
      make_target(child.root, mount.destination.c_str(), mount.target_is_file ? Target::file : Target::directory,
                  mount.refuse_links ? Links::refuse : Links::follow);
  if (target < 0) {
    const int saved = errno;
    errno = would_be_in_proc(child.root, mount.destination.c_str()) ? covers_proc : saved;
    return -1;
  }
  int result = -1;
  struct stat st;
  if (::fstat(target, &st) == 0 && S_ISDIR(st.st_mode) == mount.target_is_file) {
    ::close(target);
    errno = ENOTDIR;  // move_mount returns EINVAL, which explains nothing
    return -1;
  }
  if (!may_lie_there(child.root, target, mount)) {
    ::close(target);
    errno = covers_proc;
    return -1;
  }
  switch (mount.kind) {
    case PreparedMount::Kind::filesystem:
      result = mount_filesystem(mount, target, keeps_mode ? static_cast<int>(st.st_mode & 07777) : -1);
      break;
    case PreparedMount::Kind::bind:
      result = attach_bind(mount, target);
      if (result == 0 && mount.in_turn) result = renew(mount, target);
      break;
    case PreparedMount::Kind::remount_readonly:
      result = remount_readonly(mount, target);
      break;
  }
  const int saved = errno;
  ::close(target);
  errno = saved;
  if (result == 0 && mount.kind == PreparedMount::Kind::filesystem) result = set_on_top(child, mount);
  return result;
}

int make_one_device(int root, const PreparedDevice& device) {
  char parent_path[PATH_MAX];
  const char* const slash = std::strrchr(device.path.c_str(), '/');
  const auto length = static_cast<std::size_t>(slash - device.path.c_str());
  if (length + 2 > sizeof parent_path) {
    errno = ENAMETOOLONG;
    return -1;
  }
  std::memcpy(parent_path, device.path.c_str(), length);
  parent_path[length] = '\0';
  const int parent = make_target(root, length ? parent_path : "/", Target::directory);
  if (parent < 0) return -1;
  const char* const name = slash + 1;
  int result = ::mknodat(parent, name, device.mode, device.number);
  // A device listed twice is harmless; so is one that is already in a volume over /dev.
  struct stat st;
  if (result != 0 && errno == EEXIST && ::fstatat(parent, name, &st, AT_SYMLINK_NOFOLLOW) == 0)
    result = st.st_rdev == device.number && (st.st_mode & S_IFMT) == (device.mode & S_IFMT) ? 0 : -1;
  if (result == 0 && (device.uid || device.gid))
    result = ::fchownat(parent, name, device.uid, device.gid, AT_SYMLINK_NOFOLLOW);
  const int saved = errno;
  ::close(parent);
  errno = saved;
  return result;
}

struct Link {
  const char* path;
  const char* text;
};
constexpr Link dev_links[] = {{"fd", "/proc/self/fd"},
                              {"stdin", "/proc/self/fd/0"},
                              {"stdout", "/proc/self/fd/1"},
                              {"stderr", "/proc/self/fd/2"},
                              {"ptmx", "pts/ptmx"}};

// Hides path: a directory under an empty read-only file system, anything else under /dev/null. `cover` is created for
// the first directory and cloned for the next.
int mask_one(int root, const char* path, int null_device, int& cover) {
  const int target = open_inside(root, path, O_PATH, Links::refuse);
  if (target < 0) return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -1;
  struct stat st;
  if (::fstat(target, &st) != 0) return -1;
  int tree = -1;
  if (!S_ISDIR(st.st_mode)) {
    tree = clone_tree(null_device, false);
  } else if (cover >= 0) {
    tree = clone_tree(cover, false);
  } else {
    const int context = static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC));
    if (context < 0 || ::syscall(SYS_fsconfig, context, FSCONFIG_SET_FLAG, "ro", nullptr, 0) != 0 ||
        ::syscall(SYS_fsconfig, context, FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
      return -1;
    tree = static_cast<int>(::syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
                                      MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOEXEC));
    ::close(context);
    cover = tree;
  }
  if (tree < 0 || move_onto(tree, target) != 0) return -1;
  ::close(target);
  if (tree != cover) ::close(tree);
  return 0;
}

int make_readonly(int root, const char* path) {
  const int target = open_inside(root, path, O_PATH, Links::refuse);
  if (target < 0) return errno == ENOENT || errno == ENOTDIR || errno == EACCES ? 0 : -1;
  const int tree = clone_tree(target, true);
  if (tree < 0) return -1;
  const bool early = set_attributes(tree, MOUNT_ATTR_RDONLY, 0, 0, true) == 0;
  if (!early && errno != ENOSYS) return -1;
  if (move_onto(tree, target) != 0) return -1;
  if (!early) {
    // Kernels before 5.12, only the top mount; these are proc and sysfs, which have these flags.
    if (::fchdir(tree) != 0) return -1;
    if (::mount(nullptr, ".", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, nullptr) !=
        0)
      return -1;
  }
  ::close(tree);
  ::close(target);
  return 0;
}

// A process started in a chroot has another root than its mount namespace. pivot_root would replace only the former,
// and a process that enters the namespace later (exec, a health check) would be at the host's root.
int take_root_of_namespace() {
  const int own = ::open("/proc/self/ns/mnt", O_RDONLY | O_CLOEXEC);
  if (own < 0) return -1;
  const int taken = ::setns(own, CLONE_NEWNS);
  const int error = errno;
  ::close(own);
  errno = error;
  return taken;
}

}  // namespace

// Nothing that happens in the container's mount namespace may propagate to the host's.
Outcome stop_propagation(Child& child) {
  if (child.plan.foreign.chroot) return {};  // it is the host's
  return set_propagation(MS_SLAVE) == 0 ? Outcome{} : failed();
}

// pivot_root needs a mount point in this namespace; the bundle's directory serves as one. It also refuses a shared one,
// and a tree cloned from a shared mount, which all mounts are under systemd, is a peer of that mount even here.
Outcome attach_root(Child& child) {
  child.root = child.plan.root.get();
  const char* const place = child.plan.attach_path.c_str();
  if (::syscall(SYS_move_mount, child.root, "", AT_FDCWD, place, MOVE_MOUNT_F_EMPTY_PATH) != 0) return failed();
  return ::mount(nullptr, place, nullptr, MS_REC | MS_SLAVE, nullptr) == 0 ? Outcome{} : failed();
}

Outcome make_mounts(Child& child) {
  for (std::size_t i = 0; i < child.plan.mounts.size(); ++i)
    if (make_one_mount(child, child.plan.mounts[i]) != 0) return failed(static_cast<int>(i));
  return {};
}

// After the mounts, because /dev is one of them; before the console, which needs /dev/pts.
Outcome make_devices(Child& child) {
  if (!child.plan.make_devices) return {};
  for (std::size_t i = 0; i < child.plan.devices.size(); ++i)
    if (make_one_device(child.root, child.plan.devices[i]) != 0) return failed(static_cast<int>(i));
  const int dev = open_inside(child.root, "/dev", O_PATH | O_DIRECTORY);
  if (dev < 0) return failed(-1);
  for (const Link& link : dev_links)
    if (::symlinkat(link.text, dev, link.path) != 0 && errno != EEXIST) return failed(-1);
  ::close(dev);
  return {};
}

// Before the read-only paths cover /proc/sys.
Outcome write_sysctls(Child& child) {
  for (std::size_t i = 0; i < child.plan.sysctls.size(); ++i) {
    const PreparedWrite& entry = child.plan.sysctls[i];
    const int fd = open_inside(child.root, entry.path.c_str(), O_WRONLY, Links::refuse);
    if (fd < 0) return failed(static_cast<int>(i));
    if (::write(fd, entry.text.data(), entry.text.size()) < 0) return failed(static_cast<int>(i));
    ::close(fd);
  }
  return {};
}

Outcome pivot(Child& child) {
  const ForeignPlan& foreign = child.plan.foreign;
  if (!foreign.chroot && !foreign.no_pivot && take_root_of_namespace() != 0) return failed(4);
  if (::fchdir(child.root) != 0) return failed();
  if (foreign.chroot || foreign.no_pivot) {
    if (foreign.no_pivot && !foreign.chroot && ::mount(".", "/", nullptr, MS_MOVE, nullptr) != 0) return failed(1);
    if (::chroot(".") != 0) return failed(2);
  } else {
    // Puts the old root on top of the new one, from where "." detaches it: the image needs no directory for it.
    if (::syscall(SYS_pivot_root, ".", ".") != 0) return failed(1);
    if (::umount2(".", MNT_DETACH) != 0) return failed(2);
  }
  if (::chdir("/") != 0) return failed();
  if (child.plan.root_propagation && ::mount(nullptr, "/", nullptr, child.plan.root_propagation, nullptr) != 0)
    return failed(3);
  return {};
}

// Before masking, so that a masked path below a read-only one stays masked.
Outcome cover_readonly(Child& child) {
  for (std::size_t i = 0; i < child.plan.readonly.size(); ++i)
    if (make_readonly(child.root, child.plan.readonly[i].c_str()) != 0) return failed(static_cast<int>(i));
  return {};
}

Outcome cover_masked(Child& child) {
  if (child.plan.masked.empty()) return {};
  // A /dev/null that is not the null device would show what it should hide (CVE-2025-31133): check the node that we
  // bind.
  const int null_device = open_inside(child.root, "/dev/null", O_PATH, Links::refuse);
  struct stat st;
  if (null_device < 0 || ::fstat(null_device, &st) != 0) return failed(-1);
  if (!S_ISCHR(st.st_mode) || st.st_rdev != makedev(1, 3)) return {EINVAL, -1};
  int cover = -1;
  for (std::size_t i = 0; i < child.plan.masked.size(); ++i)
    if (mask_one(child.root, child.plan.masked[i].c_str(), null_device, cover) != 0) return failed(static_cast<int>(i));
  ::close(null_device);
  return {};
}

// The last file system step, when nothing has to be created any more.
Outcome seal_root(Child& child) {
  if (!child.plan.root_readonly) return {};
  if (set_attributes(child.root, MOUNT_ATTR_RDONLY, 0, 0, false) == 0) return {};
  if (errno != ENOSYS) return failed();
  return ::mount(nullptr, "/", nullptr, MS_BIND | MS_REMOUNT | MS_RDONLY, nullptr) == 0 ? Outcome{} : failed();
}

// The working directory is created if it is missing, owned by root as in Docker, and only found inside the root: it
// cannot be one of the host's descriptors (CVE-2024-21626).
Outcome enter_directory(Child& child) {
  const char* const path = child.plan.cwd.c_str();
  const int root = child.plan.make_cwd ? child.root : ::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
  if (root < 0) return failed();
  const int fd =
      child.plan.make_cwd ? make_target(root, path, Target::directory) : open_inside(root, path, O_PATH | O_DIRECTORY);
  if (fd < 0 || ::fchdir(fd) != 0) return failed();
  return {};
}

}  // namespace consort::runtime::internal

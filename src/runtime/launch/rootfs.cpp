#include "runtime/launch/rootfs.hpp"

#include <fcntl.h>
#include <linux/mount.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/processes/container_users.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/os/trees/overlay_view.hpp"
#include "runtime/external.hpp"
#include "runtime/launch/child_files.hpp"
#include "runtime/overlay.hpp"

namespace consort::runtime {

namespace internal {

namespace {

constexpr std::size_t max_layers = 500;  // overlayfs's own limit

Result<> check(const OverlayRoot& overlay) {
  if (overlay.lower.empty()) return fail(Code::internal, "mount overlay", "without layers");
  if (overlay.lower.size() > max_layers) return fail(Error(Code::invalid, "mount overlay").why("more than 500 layers"));
  if (overlay.upper.empty() != overlay.work.empty())
    return fail(Code::internal, "mount overlay", "with only one of upper and work");
  return {};
}

int configure(int context, const char* key, const std::string& value) {
  return static_cast<int>(::syscall(SYS_fsconfig, context, FSCONFIG_SET_STRING, key, value.c_str(), 0));
}

// "overlay: lowerdir is not a directory" and the like: the kernel writes its explanations to the context's descriptor.
std::string kernel_messages(int context) {
  std::string text;
  char buffer[1024];
  ssize_t got;
  while ((got = ::read(context, buffer, sizeof buffer)) > 0) {
    if (!text.empty()) text += "; ";
    text.append(buffer, static_cast<std::size_t>(got));
    while (text.ends_with('\n')) text.pop_back();
  }
  return text;
}

std::unexpected<Error> overlay_error(int number, int context, const std::string& object) {
  Error error = errno_error(number, "mount overlay", object);
  if (context >= 0) error.data().why = kernel_messages(context);
  if (number == ENOSPC) error.data().hint = limit_of_mounts;
  return fail(std::move(error));
}

bool has_long_path(const OverlayRoot& overlay) {
  constexpr std::size_t most = 255;  // of fsconfig's strings
  return overlay.upper.size() > most || overlay.work.size() > most ||
         std::ranges::any_of(overlay.lower, [](const std::string& path) { return path.size() > most; });
}

// The directories of an overlay in the form that the file system uses: by their paths, or through our own mounts that
// map their owners. An overlay itself cannot be mapped.
class LayerPaths {
 public:
  explicit LayerPaths(OverlayRoot::Owners owners) : mapped_(owners == OverlayRoot::Owners::of_container) {}

  Result<std::string> lower(const std::string& path) { return mapped_ ? through_mount(path) : path; }
  // Both must be on the same mount, or the kernel treats them as two file systems.
  Result<std::pair<std::string, std::string>> upper_and_work(const OverlayRoot& overlay) {
    if (!mapped_) return std::pair(overlay.upper, overlay.work);
    const std::string directory = dir_name(overlay.upper);
    if (dir_name(overlay.work) != directory) return fail(Code::internal, "mount overlay", "of two folders");
    const std::string place = TRY(through_mount(directory));
    return std::pair(place + "/" + base_name(overlay.upper), place + "/" + base_name(overlay.work));
  }
  // The mounter creates files in the working directory, which requires an id that is mapped on those mounts.
  Result<ActingAs> act() const { return ActingAs::begin(mapped_ ? first_container_id : 0); }

 private:
  Result<std::string> through_mount(const std::string& path) {
    mounts_.push_back(TRY(clone_path(path, Recursion::none)));
    TRY_WRAP(map_mount_owners(mounts_.back().get(), TRY(container_users()), MapSubmounts::no), "mount", path);
    return "/proc/self/fd/" + std::to_string(mounts_.back().get());
  }

  bool mapped_;
  std::vector<Fd> mounts_;
};

Result<> describe_missing(const OverlayRoot& overlay) {
  for (const std::string& path : overlay.lower) TRY(stat_path(path));
  if (!overlay.upper.empty()) TRY(stat_path(overlay.upper));
  if (!overlay.work.empty()) TRY(stat_path(overlay.work));
  return {};
}

bool is_volatile(const OverlayRoot& overlay) {
  return !overlay.upper.empty() && overlay.sync == OverlaySync::never;
}

// A volatile mount leaves a mark, so that files damaged by a crash are not used again: the kernel refuses to mount it
// again. Containers with such a mount do not survive a reboot. Within one boot nothing is lost, and the container is
// just being started again.
void take_mark_away(const OverlayRoot& overlay) {
  if (!is_volatile(overlay)) return;
  const std::string mark = join_path(overlay.work, "work") + "/incompat/volatile";
  (void)::unlink((mark + "/dirty").c_str());
  (void)::rmdir(mark.c_str());
}

}  // namespace

Result<Fd> clone_path(const std::string& path, Recursion recursion) {
  const unsigned flags = OPEN_TREE_CLONE | OPEN_TREE_CLOEXEC | (recursion == Recursion::all ? AT_RECURSIVE : 0);
  const long fd = ::syscall(SYS_open_tree, AT_FDCWD, path.c_str(), flags);
  if (fd < 0) return fail_errno("bind", path);
  return Fd(static_cast<int>(fd));
}

Result<Fd> mount_overlay_new(const OverlayRoot& overlay) {
  TRY(check(overlay));
  const Fd context(static_cast<int>(::syscall(SYS_fsopen, "overlay", FSOPEN_CLOEXEC)));
  if (!context) return fail_errno("open file system", "overlay");
  // Never follow extended attributes that an image may have planted; kernels without this option default to the safe
  // behaviour.
  configure(context.get(), "redirect_dir", "nofollow");
  configure(context.get(), "metacopy", "off");
  configure(context.get(), "index", "off");
  if (in_user_namespace()) ::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_FLAG, "userxattr", nullptr, 0);
  (void)kernel_messages(context.get());
  LayerPaths paths(overlay.owners);
  for (const std::string& lower : overlay.lower)
    if (configure(context.get(), "lowerdir+", TRY(paths.lower(lower))) != 0)
      return overlay_error(errno, context.get(), lower);
  take_mark_away(overlay);
  if (!overlay.upper.empty()) {
    const auto [upper, work] = TRY(paths.upper_and_work(overlay));
    if (configure(context.get(), "upperdir", overlay_value(upper)) != 0 ||
        configure(context.get(), "workdir", overlay_value(work)) != 0)
      return overlay_error(errno, context.get(), overlay.upper);
  }
  if (is_volatile(overlay)) ::syscall(SYS_fsconfig, context.get(), FSCONFIG_SET_FLAG, "volatile", nullptr, 0);
  const ActingAs acting = TRY(paths.act());
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return overlay_error(errno, context.get(), overlay.upper);
  const long mount = ::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0);
  if (mount < 0) return overlay_error(errno, context.get(), overlay.upper);
  return Fd(static_cast<int>(mount));
}

Result<OverlayDirectories> overlay_options(const OverlayRoot& overlay) {
  TRY(check(overlay));
  OverlayDirectories directories;
  const auto name = [&directories](const std::string& path) -> Result<std::string> {
    directories.fds.push_back(TRY(open_file(path, O_PATH | O_DIRECTORY)));
    return "/proc/self/fd/" + std::to_string(directories.fds.back().get());
  };
  directories.options = in_user_namespace() ? "userxattr,index=off,lowerdir=" : "index=off,lowerdir=";
  take_mark_away(overlay);
  if (is_volatile(overlay)) directories.options.insert(0, "volatile,");
  for (std::size_t i = 0; i < overlay.lower.size(); ++i)
    directories.options += (i ? ":" : "") + TRY(name(overlay.lower[i]));
  if (!overlay.upper.empty())
    directories.options += ",upperdir=" + TRY(name(overlay.upper)) + ",workdir=" + TRY(name(overlay.work));
  return directories;
}

Result<Fd> mount_overlay_legacy(const OverlayRoot& overlay, const std::string& scratch) {
  const OverlayDirectories directories = TRY(overlay_options(overlay));
  std::string place = scratch + "/.root-XXXXXX";
  if (!::mkdtemp(place.data())) return fail_errno("create directory", place);
  const auto mount = [&]() -> Result<Fd> {
    if (::mount("overlay", place.c_str(), "overlay", 0, directories.options.c_str()) != 0)
      return overlay_error(errno, -1, overlay.upper);
    Result<Fd> tree = clone_path(place, Recursion::none);
    if (::umount2(place.c_str(), MNT_DETACH) != 0 && tree) return fail_errno("unmount", place);
    return tree;
  };
  Result<Fd> tree = mount();
  ::rmdir(place.c_str());
  return tree;
}

Result<Fd> mount_overlay(const OverlayRoot& given, const std::string& scratch) {
  TRY_WRAP(describe_missing(given), "mount overlay");
  OverlayRoot overlay = given;
  keep_topmost(overlay.lower);
  // overlayfs needs two layers if there is no upper one; a single layer is bind-mounted.
  if (overlay.upper.empty() && overlay.lower.size() == 1) {
    Fd tree = TRY(clone_path(overlay.lower[0], Recursion::none));
    if (overlay.owners == OverlayRoot::Owners::of_container)
      TRY_WRAP(map_mount_owners(tree.get(), TRY(container_users()), MapSubmounts::no), "mount", overlay.lower[0]);
    if (set_attributes(tree.get(), MOUNT_ATTR_RDONLY, 0, 0, false) != 0)
      return fail_errno("make read-only", overlay.lower[0]);
    return tree;
  }
  // Remembered after the first failure: each attempt writes a message to the kernel log.
  static std::atomic<bool> old_kernel{false};
  // Layers in detached mounts require Linux 6.15, which always has the new interface.
  if (overlay.owners == OverlayRoot::Owners::of_container) return mount_overlay_new(overlay);
  if (old_kernel.load(std::memory_order_relaxed)) return mount_overlay_legacy(overlay, scratch);
  Result<Fd> mount = mount_overlay_new(overlay);
  // EINVAL: no "lowerdir+" before 6.7, or a path longer than fsconfig's 255 bytes.
  if (mount || (mount.error().sys_errno() != EINVAL && mount.error().sys_errno() != ENOSYS)) return mount;
  Result<Fd> legacy = mount_overlay_legacy(overlay, scratch);
  if (!legacy) return mount;
  if (!has_long_path(overlay)) old_kernel.store(true, std::memory_order_relaxed);
  return legacy;
}

}  // namespace internal

Result<Fd> mount_detached(const OverlayRoot& overlay, const std::string& scratch) {
  return internal::mount_overlay(overlay, scratch);
}

Result<> mount_rootfs(const OverlayRoot& overlay, const std::string& target) {
  const Fd tree = TRY(internal::mount_overlay(overlay, target));
  if (::syscall(SYS_move_mount, tree.get(), "", AT_FDCWD, target.c_str(), MOVE_MOUNT_F_EMPTY_PATH) != 0)
    return fail_errno("mount overlay on", target);
  return {};
}

Result<> unmount_rootfs(const std::string& target) {
  // EINVAL: not a mount point.
  if (::umount2(target.c_str(), MNT_DETACH | UMOUNT_NOFOLLOW) != 0 && errno != EINVAL && errno != ENOENT)
    return fail_errno("unmount", target);
  return {};
}

}  // namespace consort::runtime

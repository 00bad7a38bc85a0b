#include "base/os/trees/overlay_view.hpp"

#include <fcntl.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <set>

#include "base/os/files/file.hpp"
#include "base/os/processes/user_namespace.hpp"
#include "base/strings.hpp"

namespace consort {

namespace {

// "lowerdir+" takes one directory at a time, so there is no limit to their total length.
Result<Fd> mount_detached(std::span<const std::string> folders) {
  const Fd fs(::fsopen("overlay", FSOPEN_CLOEXEC));
  if (!fs) return fail_errno("open file system", "overlay");
  for (const std::string& folder : folders)
    if (::fsconfig(fs.get(), FSCONFIG_SET_STRING, "lowerdir+", folder.c_str(), 0) != 0)
      return fail_errno("add overlay directory", folder);
  if (in_user_namespace()) ::fsconfig(fs.get(), FSCONFIG_SET_FLAG, "userxattr", nullptr, 0);
  if (::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return fail_errno("create overlay");
  Fd mount(::fsmount(fs.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID));
  if (!mount) return fail_errno("mount overlay");
  return mount;
}

// Attached for a moment; the descriptor keeps it alive. Only we can reach the mount point: the view's own root is open
// to all users of the image, and /tmp is open to everybody.
Result<Fd> mount_for_a_moment(std::span<const std::string> folders, std::string parent) {
  TRY(make_directories(dir_name(parent), 0700));
  if (!::mkdtemp(parent.data())) return fail_errno("create directory", parent);
  const std::string place = parent + "/view";
  if (::mkdir(place.c_str(), 0700) != 0) return fail_errno("create directory", place);
  const std::string options = (in_user_namespace() ? "userxattr,lowerdir=" : "lowerdir=") + join(folders, ":");
  Result<Fd> root = Fd();
  if (::mount("overlay", place.c_str(), "overlay", MS_RDONLY | MS_NODEV | MS_NOSUID, options.c_str()) != 0) {
    root = fail_errno("mount overlay", place);
  } else {
    root = open_file(place, O_RDONLY | O_DIRECTORY);
    ::umount2(place.c_str(), MNT_DETACH);
  }
  ::rmdir(place.c_str());
  ::rmdir(parent.c_str());
  return root;
}

}  // namespace

void keep_topmost(std::vector<std::string>& folders) {
  std::set<std::string> seen;
  std::erase_if(folders, [&seen](const std::string& path) { return !seen.insert(path).second; });
}

Result<Fd> open_merged(std::span<const std::string> given, std::string place) {
  std::vector<std::string> folders(given.begin(), given.end());
  keep_topmost(folders);
  // overlayfs requires at least two; a single one needs no merging (and has no whiteouts to hide).
  if (folders.size() == 1) return open_file(folders.front(), O_RDONLY | O_DIRECTORY);
  Result<Fd> view = mount_detached(folders);
  if (!view && (view.error().sys_errno() == EINVAL || view.error().sys_errno() == ENOSYS))
    view = mount_for_a_moment(folders, std::move(place));
  return view;
}

}  // namespace consort

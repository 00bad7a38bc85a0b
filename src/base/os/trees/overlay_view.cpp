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

constexpr std::string_view lower_key = "lowerdir=";

// The escapes stay.
std::vector<std::string> split_escaped(std::string_view text, char separator) {
  std::vector<std::string> parts(1);
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == separator) {
      parts.emplace_back();
      continue;
    }
    parts.back() += text[i];
    if (text[i] == '\\' && i + 1 < text.size()) parts.back() += text[++i];
  }
  return parts;
}

std::string without_escapes(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 1 < text.size()) ++i;
    plain += text[i];
  }
  return plain;
}

// "lowerdir+" takes one directory at a time, so there is no limit to their total length.
Result<Fd> mount_detached(std::span<const std::string> directories) {
  const Fd fs(::fsopen("overlay", FSOPEN_CLOEXEC));
  if (!fs) return fail_errno("open file system", "overlay");
  for (const std::string& directory : directories)
    if (::fsconfig(fs.get(), FSCONFIG_SET_STRING, "lowerdir+", directory.c_str(), 0) != 0)
      return fail_errno("add overlay directory", directory);
  if (in_user_namespace()) ::fsconfig(fs.get(), FSCONFIG_SET_FLAG, "userxattr", nullptr, 0);
  if (::fsconfig(fs.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0) return fail_errno("create overlay");
  Fd mount(::fsmount(fs.get(), FSMOUNT_CLOEXEC, MOUNT_ATTR_RDONLY | MOUNT_ATTR_NODEV | MOUNT_ATTR_NOSUID));
  if (!mount) return fail_errno("mount overlay");
  return mount;
}

// Attached for a moment; the descriptor keeps it alive. Only we can reach the mount point: the view's own root is open
// to all users of the image, and /tmp is open to everybody.
Result<Fd> mount_for_a_moment(std::span<const std::string> directories, std::string parent) {
  TRY(make_directories(dir_name(parent), 0700));
  if (!::mkdtemp(parent.data())) return fail_errno("create directory", parent);
  const std::string place = parent + "/view";
  if (::mkdir(place.c_str(), 0700) != 0) return fail_errno("create directory", place);
  const std::string options = (in_user_namespace() ? "userxattr," : "") + overlay_lower_option(directories);
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

std::string overlay_value(std::string_view path) {
  std::string escaped;
  for (const char c : path) {
    if (c == '\\' || c == ':' || c == ',') escaped += '\\';
    escaped += c;
  }
  return escaped;
}

std::string overlay_lower_option(std::span<const std::string> directories) {
  std::vector<std::string> values;
  for (const std::string& directory : directories) values.push_back(overlay_value(directory));
  return std::string(lower_key) + join(values, ":");
}

std::vector<std::string> overlay_lower_directories(std::string_view options) {
  std::vector<std::string> directories;
  for (const std::string& option : split_escaped(options, ',')) {
    if (!option.starts_with(lower_key)) continue;
    for (const std::string& value : split_escaped(std::string_view(option).substr(lower_key.size()), ':'))
      directories.push_back(without_escapes(value));
  }
  return directories;
}

void keep_topmost(std::vector<std::string>& directories) {
  std::set<std::string> seen;
  std::erase_if(directories, [&seen](const std::string& path) { return !seen.insert(path).second; });
}

Result<Fd> open_merged(std::span<const std::string> given, std::string place) {
  std::vector<std::string> directories(given.begin(), given.end());
  keep_topmost(directories);
  // overlayfs requires at least two; a single one needs no merging (and has no whiteouts to hide).
  if (directories.size() == 1) return open_file(directories.front(), O_RDONLY | O_DIRECTORY);
  Result<Fd> view = mount_detached(directories);
  if (!view && (view.error().sys_errno() == EINVAL || view.error().sys_errno() == ENOSYS))
    view = mount_for_a_moment(directories, std::move(place));
  return view;
}

}  // namespace consort

#include "volume/volume.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <string_view>
#include <vector>

#include "base/os/files/file.hpp"
#include "base/os/files/flock.hpp"
#include "base/os/files/link.hpp"
#include "base/os/files/real_path.hpp"
#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"
#include "volume/copy_tree.hpp"

namespace consort::volume {

namespace {

std::string directory_of(const Roots& roots, const std::string& name) {
  return dir_name(roots.volume_data(name));
}

// Exists next to _data while a copy is in progress; if it is found later, the copy was interrupted.
std::string marker_of(const Roots& roots, const std::string& name) {
  return directory_of(roots, name) + "/copying";
}

// A file system made for the volume has lost+found from the start.
Result<std::vector<std::string>> content_of(const std::string& path) {
  std::vector<std::string> names = TRY(list_directory(path));
  std::erase(names, "lost+found");
  return names;
}

Result<bool> is_empty(const std::string& path) {
  return TRY(content_of(path)).empty();
}

Result<> empty_directory(const std::string& path) {
  for (const std::string& name : TRY(content_of(path))) TRY(remove_tree(path + "/" + name));
  return {};
}

Result<Fd> lock_directory(const std::string& directory) {
  Fd fd = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
  TRY(lock_exclusive(fd.get(), directory));
  return fd;
}

// The empty volume has been given an owner or a mode: a new one belongs to root, with 0755.
bool is_owned_by_someone(const struct stat& st) {
  return st.st_uid != 0 || st.st_gid != 0 || (st.st_mode & 07777) != 0755;
}

Result<> take_owner(int directory, const struct stat& st, const std::string& path) {
  if (::fchown(directory, st.st_uid, st.st_gid) != 0) return fail_errno("set owner of", path);
  if (::fchmod(directory, st.st_mode & 07777) != 0) return fail_errno("set mode of", path);
  return {};
}

}  // namespace

Result<> check_name(const std::string& name) {
  constexpr std::string_view first = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  const bool good = name.size() >= 2 && name.size() <= 255 && first.contains(name[0]) &&
                    name.find_first_not_of(std::string(first) + "_.-") == std::string::npos;
  if (good) return {};
  if (name.size() == 1)
    return fail(Code::invalid, "volume name is too short, names should be at least two alphanumeric characters");
  return fail(Error(Code::invalid, "\"" + name +
                                       "\" includes invalid characters for a local volume name, only "
                                       "\"[a-zA-Z0-9][a-zA-Z0-9_.-]\" are allowed")
                  .hint("If you intended to pass a host directory, use absolute path"));
}

Result<bool> needs_copy_up(const Roots& roots, const std::string& name) {
  if (TRY(is_empty(roots.volume_data(name)))) return true;
  return path_exists(marker_of(roots, name));
}

Result<> copy_up(const Roots& roots, const std::string& name, int image_root, const std::string& target) {
  Result<Fd> from = open_in_root(image_root, target, O_RDONLY | O_DIRECTORY);
  if (!from) {
    const int number = from.error().sys_errno();
    if (number == ENOENT || number == ENOTDIR || number == ELOOP) return {};
    return fail(std::move(from).error().wrap("look into the image", target));
  }
  const std::string data = roots.volume_data(name);
  const std::string marker = marker_of(roots, name);
  const Fd lock = TRY(lock_directory(directory_of(roots, name)));
  if (path_exists(marker)) TRY(empty_directory(data));
  if (!TRY(is_empty(data))) return {};
  TRY(write_file_atomic(marker, target + "\n", 0600));
  const Fd to = TRY(open_file(data, O_RDONLY | O_DIRECTORY));
  struct stat before {};
  if (::fstat(to.get(), &before) != 0) return fail_errno("inspect", data);
  Result<> copied = copy_tree(from->get(), to.get());
  if (copied && is_owned_by_someone(before)) copied = take_owner(to.get(), before, data);
  if (!copied) {
    Error error = std::move(copied).error().wrap("fill volume " + name + " from the image's", target);
    Result<> cleaned = empty_directory(data);
    if (cleaned) cleaned = remove_file(marker);
    if (!cleaned) return fail(std::move(error).also(std::move(cleaned).error()));
    return fail(std::move(error));
  }
  return remove_file(marker);
}

Result<std::string> resolve_subpath(const std::string& directory, const std::string& subpath) {
  const Fd root = TRY(open_file(directory, O_PATH | O_DIRECTORY));
  if (subpath.starts_with('/') || clean_path(subpath).starts_with(".."))
    return fail(Error(Code::invalid, "invalid volume subpath: " + subpath + ": path must be relative and stay inside"));
  const Result<Fd> inside = open_in_root(root.get(), subpath, O_PATH);
  if (!inside) {
    return fail(errno_error(inside.error().sys_errno(), "cannot access path " + join_path(directory, subpath) +
                                                            ": lstat " + join_path(directory, subpath)));
  }
  // Expressed relative to the directory, by whose name others recognize that it is in a volume.
  const std::string real_root = TRY(read_link_at(AT_FDCWD, "/proc/self/fd/" + std::to_string(root.get()), directory));
  const std::string real = TRY(read_link_at(AT_FDCWD, "/proc/self/fd/" + std::to_string(inside->get()), subpath));
  if (!lies_in(real, real_root))
    return fail(Error(Code::invalid, "invalid volume subpath: " + subpath + ": it lies outside"));
  return directory + real.substr(real_root.size());
}

}  // namespace consort::volume

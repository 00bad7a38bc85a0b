#include "base/os/files/plain_file.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "base/os/fd.hpp"
#include "base/os/files/file.hpp"

namespace consort {

namespace {

bool names_descriptor(const std::string& path) {
  return path == "/dev/stdin" || path.starts_with("/dev/fd/") || path.starts_with("/proc/self/fd/");
}

bool is_null_device(const struct stat& info) {
  return S_ISCHR(info.st_mode) && info.st_rdev == makedev(1, 3);
}

const char* kind_of(mode_t mode) {
  if (S_ISDIR(mode)) return "is a directory";
  if (S_ISLNK(mode)) return "is a link, not a regular file";
  if (S_ISSOCK(mode)) return "is a socket, not a regular file";
  return S_ISFIFO(mode) ? "is a named pipe, not a regular file" : "is a device, not a regular file";
}

// Reopens a file with other flags. The file is open already and known to be regular.
Result<Fd> open_if_plain(const Fd& there, const std::string& name, int flags) {
  struct stat info {};
  if (::fstat(there.get(), &info) != 0) return fail_errno("look at", name);
  if (!S_ISREG(info.st_mode)) return fail(Error(Code::invalid, "open").on(name).why(kind_of(info.st_mode)));
  Result<Fd> opened = open_file("/proc/self/fd/" + std::to_string(there.get()), flags);
  // The file exists, so ENOENT here means that /proc is missing; do not report it as "not found".
  if (!opened && opened.error().code() == Code::not_found)
    return fail(Error(Code::unsupported, "open").on(name).why("/proc is not mounted"));
  return TRY_WRAP(std::move(opened), "open", name);
}

}  // namespace

Result<std::string> read_plain_file(const std::string& path, std::size_t limit) {
  if (names_descriptor(path)) return read_file(path, limit);
  // Checked before opening, because merely opening a device can have side effects, and again afterwards, because the
  // file may have been replaced.
  // replaced.
  const auto check = [&](const struct stat& info) -> Result<> {
    if (S_ISREG(info.st_mode) || is_null_device(info)) return {};
    return fail(Error(Code::invalid, "read").on(path).why(kind_of(info.st_mode)));
  };
  if (const auto before = stat_path(path)) TRY(check(*before));
  const Fd fd = TRY(open_file(path, O_RDONLY | O_NONBLOCK | O_NOCTTY));
  struct stat info {};
  if (::fstat(fd.get(), &info) != 0) return fail_errno("look at", path);
  TRY(check(info));
  return TRY_WRAP(read_all(fd.get(), limit), "read", path);
}

Result<Fd> open_plain_at(int directory, const std::string& name, int flags) {
  return open_if_plain(TRY(open_at(directory, name, O_PATH | O_NOFOLLOW)), name, flags);
}

Result<Fd> open_plain_in_root(int root, const std::string& path, int flags) {
  return open_if_plain(TRY(open_in_root(root, path, O_PATH)), path, flags);
}

}  // namespace consort

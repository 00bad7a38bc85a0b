#include "base/os/files/file.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <vector>

#include "base/os/files/open_resolved.hpp"
#include "base/os/files/temporary.hpp"

namespace consort {

Result<std::string> read_file(const std::string& path, std::size_t limit) {
  const Fd fd = TRY(open_file(path, O_RDONLY));
  return TRY_WRAP(read_all(fd.get(), limit), "read", path);
}

Result<> write_file_atomic(const std::string& path, std::string_view content, mode_t mode, Durability durability) {
  const TemporaryFile temporary = TRY(create_temporary(path, mode));
  const int fd = temporary.fd.get();
  const auto write = [&]() -> Result<> {
    if (::fchmod(fd, mode) != 0) return fail_errno("set mode of", temporary.path);
    TRY_WRAP(write_full(fd, content), "write", path);
    if (durability == Durability::durable && ::fsync(fd) != 0) return fail_errno("sync", path);
    if (::rename(temporary.path.c_str(), path.c_str()) != 0) return fail_errno("rename", path);
    return {};
  };
  if (Result<> written = write(); !written) {
    ::unlink(temporary.path.c_str());
    return written;
  }
  if (durability == Durability::durable) TRY(sync_directory(dir_name(path)));
  return {};
}

Result<> sync_directory(const std::string& path) {
  const Fd fd = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
  if (::fsync(fd.get()) != 0) return fail_errno("sync", path);
  return {};
}

bool path_exists(const std::string& path) {
  struct stat st;
  return ::lstat(path.c_str(), &st) == 0;
}

Result<struct stat> stat_path(const std::string& path) {
  struct stat st;
  if (::stat(path.c_str(), &st) != 0) return fail_errno("look at", path);
  return st;
}

Result<struct stat> lstat_path(const std::string& path) {
  struct stat st;
  if (::lstat(path.c_str(), &st) != 0) return fail_errno("look at", path);
  return st;
}

Result<> make_directories(const std::string& path, mode_t mode) {
  if (::mkdir(path.c_str(), mode) == 0) return {};
  if (errno == EEXIST) {
    struct stat st;
    if (::stat(path.c_str(), &st) == 0 && S_ISDIR(st.st_mode)) return {};
    return fail_errno(ENOTDIR, "create directory", path);
  }
  if (errno != ENOENT) return fail_errno("create directory", path);
  const std::string parent = dir_name(path);
  if (parent == path) return fail_errno(ENOENT, "create directory", path);
  TRY(make_directories(parent, mode));
  if (::mkdir(path.c_str(), mode) != 0 && errno != EEXIST) return fail_errno("create directory", path);
  return {};
}

Result<> remove_file(const std::string& path) {
  if (::unlink(path.c_str()) != 0 && errno != ENOENT) return fail_errno("remove", path);
  return {};
}

Result<> rename_path(const std::string& from, const std::string& to) {
  if (::rename(from.c_str(), to.c_str()) != 0) return fail_errno("rename " + from + " to", to);
  return {};
}

Result<Fd> open_in_root(int root, const std::string& path, int flags, mode_t mode) {
  return open_resolved(root, path, flags, mode, RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS);
}

Result<Fd> make_directories_in_root(int root, const std::string& path, mode_t mode) {
  if (Result<Fd> there = open_in_root(root, path, O_PATH | O_DIRECTORY); there || there.error().sys_errno() != ENOENT)
    return there;
  const std::string cleaned = clean_path("/" + path);
  const std::string parent_path = dir_name(cleaned);
  if (parent_path == cleaned) return open_in_root(root, "/", O_PATH | O_DIRECTORY);
  const Fd parent = TRY(make_directories_in_root(root, parent_path, mode));
  if (::mkdirat(parent.get(), base_name(cleaned).c_str(), mode) != 0 && errno != EEXIST)
    return fail_errno("create directory", path);
  return open_in_root(root, path, O_PATH | O_DIRECTORY);
}

std::string clean_path(std::string_view path) {
  const bool absolute = path.starts_with('/');
  std::vector<std::string_view> parts;
  std::size_t at = 0;
  while (at <= path.size()) {
    const std::size_t end = std::min(path.find('/', at), path.size());
    const std::string_view part = path.substr(at, end - at);
    at = end + 1;
    if (part.empty() || part == ".") continue;
    if (part != "..") {
      parts.push_back(part);
    } else if (!parts.empty() && parts.back() != "..") {
      parts.pop_back();
    } else if (!absolute) {
      parts.push_back(part);
    }
  }
  std::string text = absolute ? "/" : "";
  for (const std::string_view part : parts) {
    if (!text.empty() && text.back() != '/') text += '/';
    text += part;
  }
  return text.empty() ? "." : text;
}

std::string join_path(std::string_view base, std::string_view relative) {
  if (relative.starts_with('/')) return clean_path(relative);
  return clean_path(std::string(base) + "/" + std::string(relative));
}

std::string base_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos || path == "/") return std::string(path);
  return std::string(path.substr(slash + 1));
}

std::string dir_name(std::string_view path) {
  while (path.size() > 1 && path.ends_with('/')) path.remove_suffix(1);
  const std::size_t slash = path.rfind('/');
  if (slash == std::string_view::npos) return ".";
  if (slash == 0) return "/";
  return std::string(path.substr(0, slash));
}

Result<std::string> current_directory() {
  const std::unique_ptr<char, decltype(&::free)> text(::getcwd(nullptr, 0), &::free);
  if (!text) return fail_errno("find the current directory");
  return std::string(text.get());
}

}  // namespace consort

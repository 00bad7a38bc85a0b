#include "volume/copy_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/os/fd.hpp"
#include "base/os/link.hpp"

namespace consort::volume {

namespace {

constexpr int max_depth = 1024;  // of folders in folders; a guard for the stack

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};

class TreeCopy {
 public:
  explicit TreeCopy(int target_root) : root_(target_root) {}
  Result<> folder(int from, int to, const std::string& path, int depth);

 private:
  Result<> entry(int from, int to, const char* name, const std::string& path, int depth);
  Result<> file(int from, int to, const char* name, const struct stat& st);
  Result<> subfolder(int from, int to, const char* name, const std::string& path, int depth);
  Result<> link(int from, int to, const char* name, const struct stat& st);
  Result<> node(int to, const char* name, const struct stat& st);

  int root_;
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // files with more names: where the first one went
};

bool is_copied(std::string_view attribute) {
  return !attribute.starts_with("trusted.overlay.") && !attribute.starts_with("user.overlay.") &&
         attribute != "security.selinux";
}

Result<> copy_xattrs(int from, int to) {
  std::vector<char> names(4096);
  ssize_t length = ::flistxattr(from, names.data(), names.size());
  if (length < 0 && errno == ERANGE) {
    names.resize(65536);
    length = ::flistxattr(from, names.data(), names.size());
  }
  if (length < 0) return errno == ENOTSUP ? Result<>() : fail_errno("list extended attributes");
  std::vector<char> value(65536);
  for (const char* name = names.data(); name < names.data() + length; name += std::string_view(name).size() + 1) {
    if (!is_copied(name)) continue;
    const ssize_t size = ::fgetxattr(from, name, value.data(), value.size());
    if (size < 0) return fail_errno("read extended attribute", name);
    if (::fsetxattr(to, name, value.data(), static_cast<std::size_t>(size), 0) != 0 && errno != ENOTSUP)
      return fail_errno("set extended attribute", name);
  }
  return {};
}

Result<> set_times(int fd, const struct stat& st) {
  const std::array<timespec, 2> times{st.st_atim, st.st_mtim};
  if (::futimens(fd, times.data()) != 0) return fail_errno("set times");
  return {};
}

Result<> copy_bytes(int from, int to, off_t size) {
  bool clever = true;
  for (off_t left = size;;) {
    constexpr std::size_t most = std::size_t{1} << 30;
    ssize_t got = -1;
    if (clever) got = ::copy_file_range(from, nullptr, to, nullptr, most, 0);
    if (clever && got < 0 && errno != ENOSPC && errno != EDQUOT && errno != EINTR) clever = false;
    if (!clever) got = ::sendfile(to, from, nullptr, most);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return fail_errno("copy");
    left -= got;
    if (got == 0) {
      // Some file systems say "nothing" to copy_file_range rather than that they can't.
      if (!clever || left <= 0) return {};
      clever = false;
    }
  }
}

Result<> set_owner_and_mode(int fd, const struct stat& st) {
  if (::fchown(fd, st.st_uid, st.st_gid) != 0) return fail_errno("set owner");
  // After the owner: chown takes setuid away.
  if (::fchmod(fd, st.st_mode & 07777) != 0) return fail_errno("set mode");
  return {};
}

Result<> TreeCopy::file(int from, int to, const char* name, const struct stat& st) {
  const Fd source = TRY(open_at(from, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  const Fd target = TRY(open_at(to, name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  TRY(copy_bytes(source.get(), target.get(), st.st_size));
  TRY(set_owner_and_mode(target.get(), st));
  TRY(copy_xattrs(source.get(), target.get()));  // security.capability too, which writing and chown would clear
  return set_times(target.get(), st);
}

Result<> TreeCopy::subfolder(int from, int to, const char* name, const std::string& path, int depth) {
  const Fd source = TRY(open_at(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  if (::mkdirat(to, name, 0700) != 0) return fail_errno("create folder", name);
  const Fd target = TRY(open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  return folder(source.get(), target.get(), path, depth + 1);
}

Result<> TreeCopy::link(int from, int to, const char* name, const struct stat& st) {
  const std::string target = TRY(read_link_at(from, name));
  if (::symlinkat(target.c_str(), to, name) != 0) return fail_errno("create link", name);
  if (::fchownat(to, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("set owner of", name);
  const std::array<timespec, 2> times{st.st_atim, st.st_mtim};
  ::utimensat(to, name, times.data(), AT_SYMLINK_NOFOLLOW);
  return {};
}

Result<> TreeCopy::node(int to, const char* name, const struct stat& st) {
  if (S_ISSOCK(st.st_mode)) return {};  // means nothing without its listener
  if (::mknodat(to, name, st.st_mode & (S_IFMT | 0700), st.st_rdev) != 0) return fail_errno("create node", name);
  if (::fchownat(to, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("set owner of", name);
  if (::fchmodat(to, name, st.st_mode & 07777, 0) != 0) return fail_errno("set mode of", name);
  return {};
}

Result<> TreeCopy::entry(int from, int to, const char* name, const std::string& path, int depth) {
  struct stat st;
  if (::fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("look at", name);
  if (S_ISDIR(st.st_mode)) return subfolder(from, to, name, path, depth);
  if (st.st_nlink > 1) {
    const auto [first, is_new] = linked_.try_emplace({st.st_dev, st.st_ino}, path);
    if (!is_new) {
      if (::linkat(root_, first->second.c_str(), to, name, 0) != 0) return fail_errno("link", path);
      return {};
    }
  }
  if (S_ISREG(st.st_mode)) return file(from, to, name, st);
  if (S_ISLNK(st.st_mode)) return link(from, to, name, st);
  return node(to, name, st);
}

Result<> TreeCopy::folder(int from, int to, const std::string& path, int depth) {
  if (depth > max_depth) return fail(Error(Code::invalid, "copy").on(path).why("folders are nested too deeply"));
  Fd copy = TRY(open_at(from, ".", O_RDONLY | O_DIRECTORY));
  const std::unique_ptr<DIR, DirCloser> stream(::fdopendir(copy.get()));
  if (!stream) return fail_errno("list", path);
  copy.release();
  while (const dirent* next = ::readdir(stream.get())) {
    const std::string_view name = next->d_name;
    if (name == "." || name == "..") continue;
    const std::string below = path.empty() ? std::string(name) : path + "/" + std::string(name);
    TRY_WRAP(entry(from, to, next->d_name, below, depth), "copy", below);
  }
  TRY(copy_xattrs(from, to));
  return copy_attributes(from, to);  // last: what was written inside has changed the times
}

}  // namespace

Result<> copy_attributes(int from, int to) {
  struct stat st;
  if (::fstat(from, &st) != 0) return fail_errno("look at folder");
  TRY(set_owner_and_mode(to, st));
  return set_times(to, st);
}

Result<> copy_tree(int from, int to) {
  return TreeCopy(to).folder(from, to, "", 0);
}

}  // namespace consort::volume

#include "volume/copy_tree.hpp"

#include <fcntl.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/xattr.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/os/fd.hpp"
#include "base/os/files/attributes.hpp"
#include "base/os/files/link.hpp"
#include "base/os/files/plain_file.hpp"
#include "base/os/trees/directory.hpp"

namespace consort::volume {

namespace {

// Two positions that move down and up together. An image may nest directories to any depth.
class TreeCopy {
 public:
  TreeCopy(int target_root, DirectoryCursor from, DirectoryCursor to)
      : root_(target_root), from_(std::move(from)), to_(std::move(to)) {}
  Result<> run();

 private:
  struct Level {
    std::vector<std::string> names;  // still to be copied
    std::size_t path_length;         // of the directory
  };
  Result<> open_level();
  Result<> close_level();
  Result<> entry(const std::string& name);
  Result<> file(const char* name, const struct stat& st);
  Result<> subdirectory(const std::string& name);
  Result<> link(const char* name, const struct stat& st);
  Result<> node(const char* name, const struct stat& st);
  std::string shown_path() const;

  int root_;
  DirectoryCursor from_, to_;
  std::vector<Level> levels_;
  std::string path_;                                       // of the current entry
  std::map<std::pair<dev_t, ino_t>, std::string> linked_;  // files with several links: path of the first copy
};

bool is_copied(std::string_view attribute) {
  return !attribute.starts_with("trusted.overlay.") && !attribute.starts_with("user.overlay.") &&
         attribute != "security.selinux";
}

Result<> copy_xattrs(int from, int to) {
  for (const std::string& name : TRY(attribute_names(from))) {
    if (!is_copied(name)) continue;
    const std::string value = TRY(read_attribute(from, name));
    if (::fsetxattr(to, name.c_str(), value.data(), value.size(), 0) != 0 && errno != ENOTSUP)
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
      // On some file systems, copy_file_range copies nothing and returns no error.
      if (!clever || left <= 0) return {};
      clever = false;
    }
  }
}

Result<> set_owner_and_mode(int fd, const struct stat& st) {
  if (::fchown(fd, st.st_uid, st.st_gid) != 0) return fail_errno("set owner");
  // After chown, which clears setuid.
  if (::fchmod(fd, st.st_mode & 07777) != 0) return fail_errno("set mode");
  return {};
}

Result<> TreeCopy::file(const char* name, const struct stat& st) {
  const Fd source = TRY(open_plain_at(from_.fd(), name, O_RDONLY));
  const Fd target = TRY(open_at(to_.fd(), name, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0600));
  TRY(copy_bytes(source.get(), target.get(), st.st_size));
  TRY(set_owner_and_mode(target.get(), st));
  TRY(copy_xattrs(source.get(), target.get()));  // including security.capability, which writing and chown would clear
  return set_times(target.get(), st);
}

Result<> TreeCopy::subdirectory(const std::string& name) {
  if (::mkdirat(to_.fd(), name.c_str(), 0700) != 0) return fail_errno("create directory", name);
  TRY(from_.enter(name));
  TRY(to_.enter(name));
  return open_level();
}

Result<> TreeCopy::link(const char* name, const struct stat& st) {
  const std::string target = TRY(read_link_at(from_.fd(), name));
  const int to = to_.fd();
  if (::symlinkat(target.c_str(), to, name) != 0) return fail_errno("create link", name);
  if (::fchownat(to, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("set owner of", name);
  const std::array<timespec, 2> times{st.st_atim, st.st_mtim};
  ::utimensat(to, name, times.data(), AT_SYMLINK_NOFOLLOW);
  return {};
}

Result<> TreeCopy::node(const char* name, const struct stat& st) {
  if (S_ISSOCK(st.st_mode)) return {};  // a socket is useless without its listener
  const int to = to_.fd();
  if (::mknodat(to, name, st.st_mode & (S_IFMT | 0700), st.st_rdev) != 0) return fail_errno("create node", name);
  if (::fchownat(to, name, st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("set owner of", name);
  if (::fchmodat(to, name, st.st_mode & 07777, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("set mode of", name);
  return {};
}

Result<> TreeCopy::entry(const std::string& name) {
  struct stat st;
  if (::fstatat(from_.fd(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("look at", name);
  if (S_ISDIR(st.st_mode)) return subdirectory(name);
  if (st.st_nlink > 1) {
    const auto [first, is_new] = linked_.try_emplace({st.st_dev, st.st_ino}, path_);
    if (!is_new) {
      if (::linkat(root_, first->second.c_str(), to_.fd(), name.c_str(), 0) == 0) return {};
      // The path from the root is too long: then each name gets its own copy.
      if (errno != ENAMETOOLONG) return fail_errno("link", shown_path());
    }
  }
  if (S_ISREG(st.st_mode)) return file(name.c_str(), st);
  if (S_ISLNK(st.st_mode)) return link(name.c_str(), st);
  return node(name.c_str(), st);
}

Result<> TreeCopy::open_level() {
  levels_.push_back({TRY(list_directory(from_.fd())), path_.size()});
  return {};
}

// Attributes last: writing into the directory has changed its times.
Result<> TreeCopy::close_level() {
  TRY(copy_xattrs(from_.fd(), to_.fd()));
  TRY(copy_attributes(from_.fd(), to_.fd()));
  levels_.pop_back();
  if (levels_.empty()) return {};
  TRY(from_.leave());
  return to_.leave();
}

std::string TreeCopy::shown_path() const {
  constexpr std::size_t longest = 300;
  return path_.size() <= longest ? path_ : path_.substr(0, longest) + "...";
}

Result<> TreeCopy::run() {
  TRY(open_level());
  while (!levels_.empty()) {
    Level& level = levels_.back();
    path_.resize(level.path_length);
    if (level.names.empty()) {
      TRY_WRAP(close_level(), "copy", shown_path());
      continue;
    }
    const std::string name = std::move(level.names.back());
    level.names.pop_back();
    path_ += path_.empty() ? name : "/" + name;
    TRY_WRAP(entry(name), "copy", shown_path());
  }
  return {};
}

}  // namespace

Result<> copy_attributes(int from, int to) {
  struct stat st;
  if (::fstat(from, &st) != 0) return fail_errno("look at directory");
  TRY(set_owner_and_mode(to, st));
  return set_times(to, st);
}

Result<> copy_tree(int from, int to) {
  DirectoryCursor source = TRY(DirectoryCursor::at(TRY(duplicate(from)), DirectoryCursor::Mounts::enter));
  DirectoryCursor target = TRY(DirectoryCursor::at(TRY(duplicate(to)), DirectoryCursor::Mounts::enter));
  return TreeCopy(to, std::move(source), std::move(target)).run();
}

}  // namespace consort::volume

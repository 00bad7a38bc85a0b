// "tmpcopyup": a tmpfs that starts with the content of the directory it covers.
#include <dirent.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>
#include <climits>

#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"
#include "base/strings.hpp"
#include "runtime/launch/prepare.hpp"

namespace consort::runtime::internal {

namespace {

constexpr int most_levels = 64;  // each holds two descriptors

Result<> copy_content(int from, int to, const std::string& name) {
  while (true) {
    const ssize_t sent = ::sendfile(to, from, nullptr, std::size_t{1} << 20);
    if (sent == 0) return {};
    if (sent < 0 && errno != EINTR) return fail_errno("copy", name);
  }
}

Result<> copy_directory(int from, int to, int level);

Result<> copy_entry(int from, int to, const std::string& name, int level) {
  struct stat st;
  if (::fstatat(from, name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) return fail_errno("look at", name);
  if (S_ISDIR(st.st_mode)) {
    if (::mkdirat(to, name.c_str(), 0700) != 0) return fail_errno("create directory", name);
    const Fd below = TRY(open_at(from, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    const Fd copy = TRY(open_at(to, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
    TRY(copy_directory(below.get(), copy.get(), level + 1));
  } else if (S_ISREG(st.st_mode)) {
    const Fd file = TRY(open_at(from, name, O_RDONLY | O_NOFOLLOW));
    const Fd copy = TRY(open_at(to, name, O_WRONLY | O_CREAT | O_EXCL, 0600));
    TRY(copy_content(file.get(), copy.get(), name));
  } else if (S_ISLNK(st.st_mode)) {
    char target[PATH_MAX];
    const ssize_t length = ::readlinkat(from, name.c_str(), target, sizeof target - 1);
    if (length < 0) return fail_errno("read link", name);
    target[length] = '\0';
    if (::symlinkat(target, to, name.c_str()) != 0) return fail_errno("create link", name);
  } else if (::mknodat(to, name.c_str(), st.st_mode, st.st_rdev) != 0) {
    return fail_errno("create", name);
  }
  if (::fchownat(to, name.c_str(), st.st_uid, st.st_gid, AT_SYMLINK_NOFOLLOW) != 0)
    return fail_errno("set owner of", name);
  if (!S_ISLNK(st.st_mode) && ::fchmodat(to, name.c_str(), st.st_mode & 07777, 0) != 0)
    return fail_errno("set mode of", name);
  const timespec times[2] = {st.st_atim, st.st_mtim};
  (void)::utimensat(to, name.c_str(), times, AT_SYMLINK_NOFOLLOW);
  return {};
}

Result<> copy_directory(int from, int to, int level) {
  if (level > most_levels) return fail(Error(Code::invalid, "copy").why("directories are nested too deeply"));
  for (const std::string& name : TRY(list_directory(from))) TRY(copy_entry(from, to, name, level));
  return {};
}

// "size=64k,mode=755" one by one; "" for a word without a value.
Result<> configure(int context, const std::string& data) {
  for (const std::string& option : split(data, ',')) {
    if (option.empty()) continue;
    const std::size_t equals = option.find('=');
    const std::string key = option.substr(0, equals);
    const bool flag = equals == std::string::npos;
    const std::string value = flag ? "" : option.substr(equals + 1);
    if (::syscall(SYS_fsconfig, context, flag ? FSCONFIG_SET_FLAG : FSCONFIG_SET_STRING, key.c_str(),
                  flag ? nullptr : value.c_str(), 0) != 0)
      return fail_errno("set option", option);
  }
  return {};
}

}  // namespace

Result<Fd> make_tmpfs(const std::string& data) {
  const Fd context(static_cast<int>(::syscall(SYS_fsopen, "tmpfs", FSOPEN_CLOEXEC)));
  if (!context) return fail_errno("open file system", "tmpfs");
  TRY(configure(context.get(), data));
  if (::syscall(SYS_fsconfig, context.get(), FSCONFIG_CMD_CREATE, nullptr, nullptr, 0) != 0)
    return fail_errno("create tmpfs");
  Fd tree(static_cast<int>(::syscall(SYS_fsmount, context.get(), FSMOUNT_CLOEXEC, 0)));
  return tree ? Result<Fd>(std::move(tree)) : fail_errno("mount tmpfs");
}

Result<Fd> make_copied_tmpfs(int root, const std::string& path, const std::string& data) {
  Fd tree = TRY(make_tmpfs(data));
  const Result<Fd> covered = open_in_root(root, path, O_RDONLY | O_DIRECTORY);
  if (!covered) return tree;  // nothing exists there
  struct stat st;
  if (::fstat(covered->get(), &st) != 0) return fail_errno("look at", path);
  const Fd directory = TRY(open_at(tree.get(), ".", O_RDONLY | O_DIRECTORY));
  TRY(copy_directory(covered->get(), directory.get(), 0));
  if (("," + data).find(",mode=") == std::string::npos) (void)::fchmod(directory.get(), st.st_mode & 07777);
  if (::fchown(directory.get(), st.st_uid, st.st_gid) != 0) return fail_errno("set owner of", path);
  return tree;
}

}  // namespace consort::runtime::internal

// rm -rf for trees that somebody else has made: arbitrarily deep, with immutable files, and with mounts of others
// inside.
#include "base/os/trees/remove_tree.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "base/os/files/dir_stream.hpp"
#include "base/os/files/file.hpp"
#include "base/os/trees/directory.hpp"

namespace consort {

namespace {

// chattr -i -a. False if neither was set.
bool make_changeable(int fd) {
  int flags = 0;
  if (::ioctl(fd, FS_IOC_GETFLAGS, &flags) != 0 || !(flags & (FS_IMMUTABLE_FL | FS_APPEND_FL))) return false;
  flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
  return ::ioctl(fd, FS_IOC_SETFLAGS, &flags) == 0;
}

bool make_changeable(int directory, const char* name) {
  struct stat st;
  if (::fstatat(directory, name, &st, AT_SYMLINK_NOFOLLOW) != 0) return false;
  if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode)) return false;  // opening a device may do something
  const Result<Fd> fd = open_at(directory, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
  return fd && make_changeable(fd->get());
}

// Removes what prevents an entry from being deleted, where possible. True: try again.
bool clear_the_way(int number, int directory, const char* name) {
  if (number == EACCES) return ::fchmod(directory, 0700) == 0;  // we own it, but are not root
  if (number != EPERM) return false;
  const bool directory_changed = make_changeable(directory);
  return make_changeable(directory, name) || directory_changed;
}

// Returns 0 or an errno.
int take_out(int directory, const char* name, int flags) {
  if (::unlinkat(directory, name, flags) == 0 || errno == ENOENT) return 0;
  const int number = errno;
  if (!clear_the_way(number, directory, name)) return number;
  return ::unlinkat(directory, name, flags) == 0 || errno == ENOENT ? 0 : errno;
}

class Remover {
 public:
  Remover(DirectoryCursor root, const std::stop_token& cancel) : at_(std::move(root)), cancel_(cancel) {}

  // Removes everything below the root. An entry that cannot be removed does not stop the rest; the first failure is
  // reported.
  Result<> run() {
    TRY(clear({}));
    while (!levels_.empty()) {
      if (!levels_.back().directories.empty()) {
        std::string name = std::move(levels_.back().directories.back());
        levels_.back().directories.pop_back();
        TRY(go_down(std::move(name)));
        continue;
      }
      const Level done = std::move(levels_.back());
      levels_.pop_back();
      if (levels_.empty()) break;
      TRY(at_.leave());
      TRY(remove_cleared(done));
    }
    if (first_) return fail(std::move(*first_));
    return {};
  }

 private:
  struct Level {
    std::string name;                      // in the directory above
    std::vector<std::string> directories;  // in here, not empty
    bool stays = false;                    // something in it could not go
    int tries = 0;
  };
  static constexpr int max_tries = 3;

  void note(int number, const std::string& name) {
    for (Level& level : levels_) level.stays = true;
    if (first_) return;
    first_ = errno_error(number, "remove", name);
    if (number == EXDEV || number == EBUSY)
      first_ = Error(Code::conflict, "remove").on(name).why("something is mounted there");
  }

  Result<> go_down(std::string name, int tries = 0) {
    Result<> entered = at_.enter(name);
    // We are not root, and the directory's mode keeps even its owner out.
    if (!entered && entered.error().sys_errno() == EACCES &&
        ::fchmodat(at_.fd(), name.c_str(), 0700, AT_SYMLINK_NOFOLLOW) == 0)
      entered = at_.enter(name);
    if (entered) return clear(std::move(name), tries);
    if (entered.error().sys_errno() != ENOENT) note(entered.error().sys_errno(), name);
    return {};
  }

  // Removes everything from the current directory that one step can remove, and notes the directories that need more.
  Result<> clear(std::string own_name, int tries = 0) {
    Level level{.name = std::move(own_name), .tries = tries};
    Fd copy = TRY(open_at(at_.fd(), ".", O_RDONLY | O_DIRECTORY));
    const DirStream stream(::fdopendir(copy.get()));
    if (!stream) return fail_errno("list");
    copy.release();
    levels_.push_back(std::move(level));
    while (const dirent* entry = ::readdir(stream.get())) {
      if (cancel_.stop_requested()) return fail(Code::interrupted, "interrupted");
      const std::string_view name = entry->d_name;
      if (name == "." || name == "..") continue;
      int number = entry->d_type == DT_DIR ? EISDIR : take_out(at_.fd(), entry->d_name, 0);
      if (number == EISDIR) number = take_out(at_.fd(), entry->d_name, AT_REMOVEDIR);
      if (number == ENOTEMPTY || number == EEXIST)
        levels_.back().directories.emplace_back(name);
      else if (number != 0)
        note(number, std::string(name));
    }
    return {};
  }

  Result<> remove_cleared(const Level& level) {
    if (level.stays) return {};
    const int number = take_out(at_.fd(), level.name.c_str(), AT_REMOVEDIR);
    if (number == 0) return {};
    // Another process is still writing into it.
    if ((number == ENOTEMPTY || number == EEXIST) && level.tries < max_tries)
      return go_down(level.name, level.tries + 1);
    note(number, level.name);
    return {};
  }

  DirectoryCursor at_;
  const std::stop_token& cancel_;
  std::vector<Level> levels_;
  std::optional<Error> first_;
};

}  // namespace

Result<> remove_tree(const std::string& path) {
  return remove_tree(path, {});
}

Result<> remove_tree(const std::string& path, const std::stop_token& cancel) {
  struct stat st;
  if (::lstat(path.c_str(), &st) != 0) {
    if (errno == ENOENT || errno == ENOTDIR) return {};
    return fail_errno("look at", path);
  }
  if (!S_ISDIR(st.st_mode)) return remove_file(path);
  Fd directory = TRY(open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW));
  DirectoryCursor root = TRY(DirectoryCursor::at(std::move(directory), DirectoryCursor::Mounts::refuse));
  TRY_WRAP(Remover(std::move(root), cancel).run(), "remove", path);
  if (const int number = take_out(AT_FDCWD, path.c_str(), AT_REMOVEDIR); number != 0)
    return fail_errno(number, "remove", path);
  return {};
}

}  // namespace consort

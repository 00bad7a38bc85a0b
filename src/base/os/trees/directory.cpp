#include "base/os/trees/directory.hpp"
#include "base/os/files/dir_stream.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <memory>
#include <set>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/os/files/open_resolved.hpp"

namespace consort {

namespace {

Result<Fd> open_below(int directory, const std::string& name, std::uint64_t resolve) {
  return open_resolved(directory, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW, 0, resolve, "open directory");
}

}  // namespace

Result<std::vector<std::string>> list_directory(int directory) {
  Fd copy = TRY(open_at(directory, ".", O_RDONLY | O_DIRECTORY));
  const DirStream stream(::fdopendir(copy.get()));
  if (!stream) return fail_errno("list directory");
  copy.release();
  std::vector<std::string> names;
  for (;;) {
    errno = 0;
    const dirent* entry = ::readdir(stream.get());
    if (!entry) break;
    const std::string_view name = entry->d_name;
    if (name != "." && name != "..") names.emplace_back(name);
  }
  if (errno != 0) return fail_errno("list directory");
  return names;
}

Result<std::vector<std::string>> list_directory(const std::string& path) {
  const Fd directory = TRY(open_file(path, O_RDONLY | O_DIRECTORY));
  return TRY_WRAP(list_directory(directory.get()), "list", path);
}

Result<DirectoryCursor::Identity> DirectoryCursor::identity_of(int fd) {
  struct stat st;
  if (::fstat(fd, &st) != 0) return fail_errno("look at directory");
  return Identity{st.st_dev, st.st_ino};
}

Result<DirectoryCursor> DirectoryCursor::at(Fd root, Mounts mounts) {
  const Identity here = TRY(identity_of(root.get()));
  return DirectoryCursor(std::move(root), mounts, here);
}

Result<> DirectoryCursor::enter(const std::string& name) {
  Fd below = TRY(open_below(fd_.get(), name, mounts_ == Mounts::refuse ? RESOLVE_NO_XDEV : 0));
  const Identity there = TRY(identity_of(below.get()));
  above_.push_back(std::exchange(here_, there));
  fd_ = std::move(below);
  return {};
}

Result<> DirectoryCursor::leave() {
  Fd above = TRY(open_below(fd_.get(), "..", 0));
  if (TRY(identity_of(above.get())) != above_.back())
    return fail(Error(Code::conflict, "go back up").why("the directory was moved in the meantime"));
  here_ = above_.back();
  above_.pop_back();
  fd_ = std::move(above);
  return {};
}

namespace {

class Measure {
 public:
  explicit Measure(DirectoryCursor root) : at_(std::move(root)) {}

  // Until the whole tree has been visited, or the way back up is lost.
  std::uint64_t run() {
    look();
    while (!below_.empty()) {
      if (below_.back().empty()) {
        below_.pop_back();
        if (!below_.empty() && !at_.leave()) break;
        continue;
      }
      const std::string name = std::move(below_.back().back());
      below_.back().pop_back();
      if (at_.enter(name)) look();
    }
    return bytes_;
  }

 private:
  void look() {
    std::vector<std::string>& directories = below_.emplace_back();
    struct stat st;
    for (std::string& name : list_directory(at_.fd()).value_or(std::vector<std::string>())) {
      if (::fstatat(at_.fd(), name.c_str(), &st, AT_SYMLINK_NOFOLLOW) != 0) continue;
      if (st.st_nlink > 1 && !S_ISDIR(st.st_mode) && !seen_.emplace(st.st_dev, st.st_ino).second) continue;
      bytes_ += static_cast<std::uint64_t>(st.st_blocks) * 512;
      if (S_ISDIR(st.st_mode)) directories.push_back(std::move(name));
    }
  }

  DirectoryCursor at_;
  std::vector<std::vector<std::string>> below_;  // for each level down to here: directories still to be seen
  std::set<std::pair<dev_t, ino_t>> seen_;
  std::uint64_t bytes_ = 0;
};

}  // namespace

std::uint64_t tree_bytes(const std::string& path) {
  const auto st = lstat_path(path);
  if (!st) return 0;
  const auto own = static_cast<std::uint64_t>(st->st_blocks) * 512;
  if (!S_ISDIR(st->st_mode)) return own;
  Result<Fd> fd = open_file(path, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
  if (!fd) return own;
  Result<DirectoryCursor> root = DirectoryCursor::at(std::move(*fd), DirectoryCursor::Mounts::refuse);
  return root ? own + Measure(std::move(*root)).run() : own;
}

}  // namespace consort

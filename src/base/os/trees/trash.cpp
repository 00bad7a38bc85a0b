#include "base/os/trees/trash.hpp"

#include <fcntl.h>
#include <linux/fs.h>
#include <sys/file.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

#include "base/os/files/file.hpp"
#include "base/os/files/has_name.hpp"
#include "base/os/trees/directory.hpp"
#include "base/os/trees/remove_tree.hpp"
#include "base/strings.hpp"

namespace consort {

namespace {

constexpr const char* aside_name = "aside";
constexpr int max_tries = 8;

// The holder of the lock deletes the directory, or works in it. Returns an empty descriptor if another process holds
// the lock.
Result<Fd> try_lock(const std::string& path) {
  Fd fd = TRY(open_file(path, O_RDONLY | O_NOFOLLOW | O_NONBLOCK));
  int done;
  do done = ::flock(fd.get(), LOCK_EX | LOCK_NB);
  while (done != 0 && errno == EINTR);
  if (done == 0) return fd;
  if (errno == EWOULDBLOCK) return Fd();
  return fail_errno("lock", path);
}

int rename_new(const std::string& from, const std::string& to) {
  if (::renameat2(AT_FDCWD, from.c_str(), AT_FDCWD, to.c_str(), RENAME_NOREPLACE) == 0) return 0;
  if (errno != EINVAL) return errno;  // the file system does not support this flag
  if (path_exists(to)) return EEXIST;
  return ::rename(from.c_str(), to.c_str()) == 0 ? 0 : errno;
}

Result<> move(const std::string& from, const std::string& to) {
  int number = rename_new(from, to);
  if (number == EPERM) {
    const Result<Fd> fd = open_file(from, O_RDONLY | O_DIRECTORY | O_NOFOLLOW);
    int flags = 0;
    if (fd && ::ioctl(fd->get(), FS_IOC_GETFLAGS, &flags) == 0) {
      flags &= ~(FS_IMMUTABLE_FL | FS_APPEND_FL);
      (void)::ioctl(fd->get(), FS_IOC_SETFLAGS, &flags);
    }
    number = rename_new(from, to);
  }
  if (number == EBUSY) return fail(Error(Code::conflict, "remove").on(from).why("something is mounted there"));
  if (number != 0) return fail_errno(number, "move " + from + " to", to);
  return {};
}

}  // namespace

Result<> move_directory(const std::string& from, const std::string& to) {
  TRY(move(from, to));
  TRY(sync_directory(dir_name(to)));
  return sync_directory(dir_name(from));
}

Result<> Trash::prepare() const {
  if (path_exists(aside(""))) return {};
  return make_directories(directory_ + "/" + aside_name, 0700);
}

Result<Trash::Item> Trash::take(const std::string& path, Sync sync) const {
  TRY(prepare());
  if (!path_exists(path)) return Item{};
  Item item;
  item.path = directory_ + "/" + random_id().substr(0, 20);
  // Locked under its old name: nobody may find it in the trash without an owner. The caller may be the one who holds
  // it.
  Result<Fd> lock = try_lock(path);
  TRY(sync == Sync::yes ? move_directory(path, item.path) : move(path, item.path));
  if (lock) item.lock = std::move(*lock);
  return item;
}

Result<> Trash::remove(Item item) const {
  return item.path.empty() ? Result<>() : remove_tree(item.path);
}

Result<> Trash::remove(const std::string& path, Sync sync) const {
  return remove(TRY(take(path, sync)));
}

bool Trash::is_empty() const {
  const auto names = list_directory(directory_);
  return !names || names->size() <= 1;  // but for aside/
}

Result<> Trash::sweep() const {
  return sweep_trash(*this, {});
}

Result<> sweep_trash(const Trash& trash, const std::stop_token& cancel) {
  const auto names = list_directory(trash.directory());
  if (!names) return {};
  Result<> swept;
  for (const std::string& name : *names) {
    if (name == aside_name) continue;
    const std::string path = trash.directory() + "/" + name;
    const Result<Fd> lock = try_lock(path);
    if (!lock || !*lock) continue;  // gone, or another's
    Result<> removed = remove_tree(path, cancel);
    if (!removed && removed.error().code() == Code::interrupted) return removed;
    if (!removed && swept) swept = std::move(removed);
  }
  return swept;
}

std::vector<std::string> Trash::set_aside() const {
  return list_directory(aside("")).value_or(std::vector<std::string>());
}

ScratchDirectory& ScratchDirectory::operator=(ScratchDirectory&& other) noexcept {
  if (this != &other) {
    ScratchDirectory old(std::move(*this));
    path_ = std::exchange(other.path_, {});
    lock_ = std::move(other.lock_);
  }
  return *this;
}

// Not through the trash: it can be found and swept where it is.
ScratchDirectory::~ScratchDirectory() {
  if (!path_.empty()) (void)remove_tree(path_);
}

Result<ScratchDirectory> ScratchDirectory::create(const std::string& parent, const std::string& prefix) {
  TRY(make_directories(parent, 0700));
  for (int i = 0; i < max_tries; ++i) {
    const std::string path = parent + "/" + prefix + "-" + random_id().substr(0, 20);
    if (::mkdir(path.c_str(), 0700) != 0) return fail_errno("create directory", path);
    // Another process may have taken it for abandoned in the meantime.
    Result<Fd> lock = try_lock(path);
    if (!lock && lock.error().sys_errno() != ENOENT) return std::unexpected(std::move(lock).error());
    if (lock && *lock && has_name(lock->get(), path)) return ScratchDirectory(path, std::move(*lock));
  }
  return fail(Error(Code::busy, "create directory").on(parent).why("other programs keep removing it"));
}

namespace {

std::vector<std::string> scratch_in(const std::string& parent, const std::string& prefix) {
  std::vector<std::string> names = list_directory(parent).value_or(std::vector<std::string>());
  std::erase_if(names, [&](const std::string& name) { return !name.starts_with(prefix + "-"); });
  return names;
}

}  // namespace

std::vector<std::string> ScratchDirectory::abandoned(const std::string& parent, const std::string& prefix) {
  std::vector<std::string> names = scratch_in(parent, prefix);
  std::erase_if(names, [&](const std::string& name) {
    const Result<Fd> lock = try_lock(parent + "/" + name);
    return !lock || !*lock;
  });
  return names;
}

Result<std::size_t> ScratchDirectory::sweep(const std::string& parent, const std::string& prefix) {
  return sweep_scratch(parent, prefix, {});
}

Result<std::size_t> sweep_scratch(const std::string& parent, const std::string& prefix, const std::stop_token& cancel) {
  const Trash trash(parent);
  std::size_t swept = 0;
  for (const std::string& name : scratch_in(parent, prefix)) {
    const std::string path = parent + "/" + name;
    const Result<Fd> lock = try_lock(path);
    if (!lock || !*lock || !has_name(lock->get(), path)) continue;
    const Trash::Item item = TRY(trash.take(path));
    if (!item.path.empty()) TRY(remove_tree(item.path, cancel));
    ++swept;
  }
  return swept;
}

}  // namespace consort

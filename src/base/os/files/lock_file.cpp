#include "base/os/files/lock_file.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include <cerrno>
#include <utility>

#include "base/os/files/file.hpp"
#include "base/os/files/has_name.hpp"
#include "base/os/trees/directory.hpp"

namespace consort {

Result<std::optional<LockFile>> LockFile::try_take(const std::string& directory, const std::string& name) {
  TRY(make_directories(directory, 0700));
  const std::string path = directory + "/" + name;
  while (true) {
    Fd lock = TRY(open_file(path, O_RDWR | O_CREAT, 0600));
    if (::flock(lock.get(), LOCK_EX | LOCK_NB) != 0) {
      if (errno == EWOULDBLOCK) return std::optional<LockFile>();
      if (errno != EINTR) return fail_errno("lock", path);
    } else if (has_name(lock.get(), path)) {
      return std::optional(LockFile(std::move(lock), path));
    }
  }
}

LockFile& LockFile::operator=(LockFile&& other) noexcept {
  if (this == &other) return *this;
  release();
  lock_ = std::move(other.lock_);
  path_ = std::move(other.path_);
  return *this;
}

LockFile::~LockFile() {
  release();
}

// Unlinks the file before unlocking it: a process that opens the path afterwards creates a new file.
void LockFile::release() {
  if (lock_) ::unlink(path_.c_str());
  lock_.reset();
}

Result<> sweep_lock_files(const std::string& directory,
                          const std::function<Result<>(const std::string& name)>& clean_up) {
  const auto names = list_directory(directory);
  if (!names && names.error().code() == Code::not_found) return {};
  if (!names) return fail(names.error());
  Result<> swept;
  for (const std::string& name : *names) {
    auto taken = LockFile::try_take(directory, name);
    if (!taken) continue;
    std::optional<LockFile>& left = *taken;
    if (!left) continue;  // another process is working with it
    if (Result<> cleaned = clean_up(name); !cleaned) {
      left->lock_.reset();  // the file stays, so that it can be tried again
      if (swept) swept = std::move(cleaned);
    }
  }
  return swept;
}

}  // namespace consort

#include "base/os/files/flock.hpp"

#include <poll.h>
#include <sys/file.h>

#include <cerrno>

#include "base/os/files/lock_holder.hpp"

namespace consort {

namespace {

// flock() has no timeout, so it is tried again and again: often in the beginning, as most are held for milliseconds.
int pause_after(int tries) {
  constexpr int often = 100, now_and_then = 200;
  return tries < often ? 1 : tries < now_and_then ? 5 : 20;
}

Result<> wait_for(int fd, int operation, const std::string& path, const LockWait& wait) {
  if (::flock(fd, operation | LOCK_NB) == 0) return {};
  HolderWatch holder(path, fd);
  for (int tries = 0; ::flock(fd, operation | LOCK_NB) != 0; ++tries) {
    if (errno == EINTR) continue;
    if (errno != EWOULDBLOCK) return fail_errno("lock", path);
    TRY(holder.look());
    pollfd wish{wait.cancel_fd, POLLIN, 0};
    const bool wished = ::poll(&wish, 1, pause_after(tries)) > 0;
    if (wished || wait.cancel.stop_requested()) return fail(Code::interrupted, "interrupted");
  }
  return {};
}

}  // namespace

Result<> lock_shared(int fd, const std::string& path, const LockWait& wait) {
  return wait_for(fd, LOCK_SH, path, wait);
}

Result<> lock_exclusive(int fd, const std::string& path, const LockWait& wait) {
  return wait_for(fd, LOCK_EX, path, wait);
}

}  // namespace consort

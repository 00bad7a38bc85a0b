#include "base/os/files/flock.hpp"

#include <sys/file.h>

#include <cerrno>

namespace consort {

namespace {

Result<> wait_for(int fd, int operation, const std::string& path) {
  while (::flock(fd, operation) != 0)
    if (errno != EINTR) return fail_errno("lock", path);
  return {};
}

}  // namespace

Result<> lock_shared(int fd, const std::string& path) {
  return wait_for(fd, LOCK_SH, path);
}

Result<> lock_exclusive(int fd, const std::string& path) {
  return wait_for(fd, LOCK_EX, path);
}

}  // namespace consort

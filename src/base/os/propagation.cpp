#include "base/os/propagation.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <cerrno>

namespace consort {

namespace {

struct Opened {
  int fd;
  ~Opened() {
    const int error = errno;
    if (fd >= 0) ::close(fd);
    errno = error;
  }
};

}  // namespace

int set_propagation(unsigned long propagation) {
  if (::mount(nullptr, "/", nullptr, MS_REC | propagation, nullptr) == 0) return 0;
  if (errno != EINVAL) return -1;
  const Opened root{::open("/", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  const Opened here{::open(".", O_PATH | O_DIRECTORY | O_CLOEXEC)};
  const Opened own{::open("/proc/thread-self/ns/mnt", O_RDONLY | O_CLOEXEC)};
  if (root.fd < 0 || here.fd < 0 || own.fd < 0) return -1;
  // Entering it goes to the root of the namespace, which is a mount point.
  if (::setns(own.fd, CLONE_NEWNS) != 0) return -1;
  if (::mount(nullptr, "/", nullptr, MS_REC | propagation, nullptr) != 0) return -1;
  return ::fchdir(root.fd) == 0 && ::chroot(".") == 0 && ::fchdir(here.fd) == 0 ? 0 : -1;
}

}  // namespace consort

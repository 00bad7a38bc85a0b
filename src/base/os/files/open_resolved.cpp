#include "base/os/files/open_resolved.hpp"

#include <fcntl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

namespace consort {

Result<Fd> open_resolved(int root, const std::string& path, int flags, mode_t mode, std::uint64_t resolve,
                         const char* what) {
  open_how how{};
  how.flags = static_cast<std::uint64_t>(flags | O_CLOEXEC);
  // O_TMPFILE includes the bit of O_DIRECTORY, so a plain & would treat every directory as a new file.
  how.mode = (flags & O_CREAT) || (flags & O_TMPFILE) == O_TMPFILE ? mode : 0;
  how.resolve = resolve;
  long fd;
  // EAGAIN: the lookup raced with a rename, so the kernel could not guarantee that the path stays below the root.
  int tries = 0;
  do fd = ::syscall(SYS_openat2, root, path.c_str(), &how, sizeof how);
  while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < 64)));
  if (fd < 0) return fail_errno(what, path);
  return Fd(static_cast<int>(fd));
}

}  // namespace consort

#include "base/volume_part.hpp"

#include <fcntl.h>
#include <linux/openat2.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <cerrno>

#include "base/os/file.hpp"

namespace consort {

Result<std::optional<Fd>> open_part_of_volume(const Roots& roots, const std::string& path) {
  const std::string volumes = roots.data + "/volumes/";
  if (!path.starts_with(volumes)) return std::nullopt;
  const std::string name = path.substr(volumes.size(), path.find('/', volumes.size()) - volumes.size());
  const std::string data = roots.volume_data(name) + "/";
  if (!path.starts_with(data) || path.size() == data.size()) return std::nullopt;
  const Fd root = TRY(open_file(data, O_PATH | O_DIRECTORY));
  struct open_how how {};
  how.flags = O_PATH | O_CLOEXEC;
  how.resolve = RESOLVE_BENEATH | RESOLVE_NO_SYMLINKS | RESOLVE_NO_MAGICLINKS;
  long fd = -1;
  int tries = 0;  // EAGAIN: a rename raced with the look-up
  do fd = ::syscall(SYS_openat2, root.get(), path.c_str() + data.size(), &how, sizeof how);
  while (fd < 0 && (errno == EINTR || (errno == EAGAIN && ++tries < 64)));
  if (fd >= 0) return Fd(static_cast<int>(fd));
  Error error = errno_error(errno, "open", path);
  if (error.sys_errno() == ELOOP) error.data().hint = "a container has put a link there: it is not followed";
  return fail(std::move(error));
}

}  // namespace consort

#include "base/os/trees/spread.hpp"

#include <linux/fs.h>
#include <sys/ioctl.h>

namespace consort {

void spread_subdirectories(int directory) {
  int flags = 0;
  if (::ioctl(directory, FS_IOC_GETFLAGS, &flags) != 0 || (flags & FS_TOPDIR_FL)) return;
  flags |= FS_TOPDIR_FL;
  (void)::ioctl(directory, FS_IOC_SETFLAGS, &flags);
}

}  // namespace consort

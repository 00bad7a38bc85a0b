#include "base/os/files/has_name.hpp"

#include <sys/stat.h>

namespace consort {

bool has_name(int fd, const std::string& path) {
  struct stat mine, named;
  return ::fstat(fd, &mine) == 0 && ::lstat(path.c_str(), &named) == 0 && mine.st_dev == named.st_dev &&
         mine.st_ino == named.st_ino;
}

}  // namespace consort

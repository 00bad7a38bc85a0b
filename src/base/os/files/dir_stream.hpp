// Owner type for the DIR of opendir or fdopendir.
#pragma once

#include <dirent.h>

#include <memory>

namespace consort {

struct DirCloser {
  void operator()(DIR* dir) const { ::closedir(dir); }
};
using DirStream = std::unique_ptr<DIR, DirCloser>;

}  // namespace consort

// Temporary files that are completed and then renamed to their final name.
#pragma once

#include <sys/types.h>

#include <string>

#include "base/os/fd.hpp"

namespace consort {

// A new file next to `path`, to be renamed to it when complete.
struct TemporaryFile {
  Fd fd;             // open for writing
  std::string path;  // "PATH.tmp-" and 16 random digits: neither guessable nor left over from a crash
};
Result<TemporaryFile> create_temporary(const std::string& path, mode_t mode);  // mode minus the umask

// Removes such files left in a directory by a crash. Recent ones may still be in use and are kept.
Result<> sweep_temporaries(const std::string& folder);

}  // namespace consort

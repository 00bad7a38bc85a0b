// Files that become what they shall be by a rename, and files without a name.
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

// A file in that directory that nobody else sees, and that disappears with its descriptor. Open for reading and
// writing.
Result<Fd> create_unnamed(const std::string& directory);

// Removes what a crash has left of such files in a directory. Young ones may be somebody's work, and stay.
Result<> sweep_temporaries(const std::string& directory);

}  // namespace consort

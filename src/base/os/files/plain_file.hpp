// Opens files that others created and that may be anything: files of a cloned project, or of a container, which can
// replace them with a pipe or a device at any time.
#pragma once

#include <cstddef>
#include <string>

#include "base/os/fd.hpp"

namespace consort {

// Like read_file(), but never waits for a writer: anything other than a regular file or /dev/null is refused at once
// with Code::invalid. Only a path that refers to one of our own descriptors (/dev/stdin, /dev/fd/N, /proc/self/fd/N),
// as a shell passes for <(command), may be a pipe.
Result<std::string> read_plain_file(const std::string& path, std::size_t limit);

// Opens a regular file below a directory (borrowed). Nothing else is ever opened: a pipe would block, and merely
// opening some devices has an effect (a watchdog resets the machine). Code::invalid if it is anything else.
// open_plain_at does not follow links; open_plain_in_root does, but never out of the root.
Result<Fd> open_plain_at(int directory, const std::string& name, int flags);
Result<Fd> open_plain_in_root(int root, const std::string& path, int flags);

}  // namespace consort

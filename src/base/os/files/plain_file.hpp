// Files that somebody else has made, and that may be anything: of a project that was cloned, or of a container, which
// can put a pipe or a device in their place at any time.
#pragma once

#include <cstddef>
#include <string>

#include "base/os/fd.hpp"

namespace consort {

// Like read_file(), but never waits for somebody to write: what is neither a regular file nor /dev/null is refused at
// once with Code::invalid. Only a path that stands for a descriptor of ours (/dev/stdin, /dev/fd/N, /proc/self/fd/N),
// as a shell writes for <(command), may be a pipe.
Result<std::string> read_plain_file(const std::string& path, std::size_t limit);

// A regular file below a directory; nothing else is opened, not even for a moment: a pipe would have to be waited for,
// and to open a device can do something (a watchdog ends the machine). Code::invalid if it is something else.
// At: links are not followed. In root: they are, and none leads out of it.
Result<Fd> open_plain_at(int folder, const std::string& name, int flags);
Result<Fd> open_plain_in_root(int root, const std::string& path, int flags);

}  // namespace consort

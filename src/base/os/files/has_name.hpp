// Whether what was opened, and perhaps locked, is still what a path names.
#pragma once

#include <string>

namespace consort {

// Whoever removes what is locked leaves those who wait for the lock with something that has no name any more, or whose
// name another one has: they look here and begin anew. A link is not followed. False as well if it cannot be looked at.
bool has_name(int fd, const std::string& path);

}  // namespace consort

// Checks whether an open file, possibly locked, is still the one that a path refers to.
#pragma once

#include <string>

namespace consort {

// If a locked file is removed, those waiting for its lock end up with a file that has no name, or whose name now
// belongs to another file: they check here and start over. Does not follow a link. Also false if the path cannot be
// examined.
bool has_name(int fd, const std::string& path);

}  // namespace consort

// The process that creates a container which is removed when it ends (--rm) holds it as long as it lives, and removes
// it. Once nobody holds it, anybody who sees that it has ended may. The hold is a lock, which the kernel releases if
// the holder is killed.
#pragma once

#include <string>

#include "base/os/fd.hpp"

namespace consort::supervisor {

// folder: the container's directory, under the data root.
Result<Fd> hold(const std::string& folder);
bool is_held(const std::string& folder);

}  // namespace consort::supervisor

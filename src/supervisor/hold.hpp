// The process that creates a container with --rm holds it and removes it when it has ended. Once nobody holds it, any
// process may remove it after its end. The hold is a lock, which the kernel releases if the holder is killed.
#pragma once

#include <string>

#include "base/os/fd.hpp"

namespace consort::supervisor {

// directory: the container's directory, under the data root.
Result<Fd> hold(const std::string& directory);
bool is_held(const std::string& directory);

}  // namespace consort::supervisor

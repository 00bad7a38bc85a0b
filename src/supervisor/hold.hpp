// Who has made a container that goes when it ends (--rm) holds it for as long as he lives, and removes it. Once nobody
// does, whoever sees that it has ended may. A lock that the kernel gives up for who is killed.
#pragma once

#include <string>

#include "base/os/fd.hpp"

namespace consort::supervisor {

// folder: the container's, under the data root.
Result<Fd> hold(const std::string& folder);
bool is_held(const std::string& folder);

}  // namespace consort::supervisor

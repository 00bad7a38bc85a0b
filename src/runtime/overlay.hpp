// The merged view of layers, for reading or writing it without starting a container.
#pragma once

#include <string>

#include "base/os/fd.hpp"
#include "runtime/launch.hpp"

namespace consort::runtime {

// A detached mount: the descriptor is its root directory, and it ends with the last descriptor in it. scratch: an
// existing directory, used briefly by kernels before 6.7.
Result<Fd> mount_detached(const OverlayRoot& overlay, const std::string& scratch);

}  // namespace consort::runtime

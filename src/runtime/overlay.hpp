// The merged view of layers, for whoever reads or writes it without starting a container in it.
#pragma once

#include <string>

#include "base/os/fd.hpp"
#include "runtime/launch.hpp"

namespace consort::runtime {

// A mount that hangs nowhere: the descriptor is its root directory, and it goes with the last descriptor below it.
// scratch: an existing directory, used for a moment by kernels before 6.7.
Result<Fd> mount_detached(const OverlayRoot& overlay, const std::string& scratch);

}  // namespace consort::runtime

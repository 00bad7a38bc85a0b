// Directories in overlayfs's form as one tree, to be read: whiteouts and opaque directories are the kernel's business.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"

namespace consort {

// overlayfs takes a directory once (ELOOP). An image may have the same layer twice; what the upper one says holds, so
// the lower one changes nothing. The topmost comes first.
void keep_topmost(std::vector<std::string>& folders);

// The root of the merged directories, the topmost first; read-only. A detached mount: it appears nowhere and
// goes with the descriptor. Kernels before 6.5 mount for a moment on a directory that is made for it: place is its
// path, ending in "XXXXXX" (mkdtemp), in a directory that is made if missing.
Result<Fd> open_merged(std::span<const std::string> folders, std::string place);

}  // namespace consort

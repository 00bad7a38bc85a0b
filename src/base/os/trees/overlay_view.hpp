// Merges directories in overlayfs format into one read-only tree. The kernel handles whiteouts and opaque directories.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"

namespace consort {

// overlayfs refuses to use the same directory twice (ELOOP), but an image may contain the same layer twice. The upper
// occurrence decides, so removing the lower one changes nothing. The topmost comes first.
void keep_topmost(std::vector<std::string>& folders);

// The root of the merged directories (topmost first), read-only. It is a detached mount: it is visible nowhere and
// disappears with the descriptor. Kernels before 6.5 mount it briefly on a temporary directory: `place` is the path of
// that directory, ending in "XXXXXX" (mkdtemp); its parent is created if missing.
Result<Fd> open_merged(std::span<const std::string> folders, std::string place);

}  // namespace consort

// Merges directories in overlayfs format into one read-only tree. The kernel handles whiteouts and opaque directories.
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"

namespace consort {

// A path as a value of overlayfs's options. A backslash stands before what they give a meaning: ':' and ',' separate,
// and a backslash takes the next character as it is. Also where one value is set at a time: "upperdir" and "workdir",
// but not "lowerdir+".
std::string overlay_value(std::string_view path);
// "lowerdir=A:B", and the directories in such options, which may be among others.
std::string overlay_lower_option(std::span<const std::string> directories);
std::vector<std::string> overlay_lower_directories(std::string_view options);

// overlayfs takes a directory once (ELOOP). An image may have the same layer twice; what the upper one says holds, so
// the lower one changes nothing. The topmost comes first.
void keep_topmost(std::vector<std::string>& directories);

// The root of the merged directories (topmost first), read-only. It is a detached mount: it is visible nowhere and
// disappears with the descriptor. Kernels before 6.5 mount it briefly on a temporary directory: `place` is the path of
// that directory, ending in "XXXXXX" (mkdtemp); its parent is created if missing.
Result<Fd> open_merged(std::span<const std::string> directories, std::string place);

}  // namespace consort

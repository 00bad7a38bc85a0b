// Directories in overlayfs's form as one tree, to be read: whiteouts and opaque directories are the kernel's business.
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
std::string overlay_lower_option(std::span<const std::string> folders);
std::vector<std::string> overlay_lower_folders(std::string_view options);

// overlayfs takes a directory once (ELOOP). An image may have the same layer twice; what the upper one says holds, so
// the lower one changes nothing. The topmost comes first.
void keep_topmost(std::vector<std::string>& folders);

// The root of the merged directories, the topmost first; read-only. A detached mount: it appears nowhere and
// goes with the descriptor. Kernels before 6.5 mount for a moment on a directory that is made for it: place is its
// path, ending in "XXXXXX" (mkdtemp), in a directory that is made if missing.
Result<Fd> open_merged(std::span<const std::string> folders, std::string place);

}  // namespace consort

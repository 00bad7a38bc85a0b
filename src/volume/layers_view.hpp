// An image's files as a container would see them, without starting one: whiteouts, opaque directories and links across
// layers are the kernel's business, not ours.
#pragma once

#include <span>
#include <string>

#include "base/error.hpp"
#include "base/os/fd.hpp"

namespace consort::volume {

// The root of the merged layers, read-only. A detached mount: it appears nowhere and goes with the descriptor. Layers
// are directories in overlayfs's form, the topmost first. scratch: a directory on which older kernels (before 6.5)
// mount for a moment; it is made if missing.
Result<Fd> open_layers(std::span<const std::string> layers, const std::string& scratch);

// The same with a container's own layer on top, writable: the files of a container that does not run. Needs kernel 6.5.
Result<Fd> open_container_layers(std::span<const std::string> layers, const std::string& upper,
                                 const std::string& work);

// The path, with every symbolic link on the way followed inside the merged layers: relative, without links. The path
// itself where there is nothing.
Result<std::string> real_path_in_layers(std::span<const std::string> layers, const std::string& scratch,
                                        const std::string& path);

}  // namespace consort::volume

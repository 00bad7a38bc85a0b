// An image's files as a container would see them, without starting one: the kernel resolves whiteouts, opaque
// directories and links across layers.
#pragma once

#include <span>
#include <string>

#include "base/error.hpp"
#include "base/os/fd.hpp"

namespace consort::volume {

// The root of the merged layers, read-only. A detached mount: it appears nowhere and ends with the descriptor. Layers
// are directories in overlayfs's form, topmost first. scratch: a directory on which kernels before 6.5 mount briefly;
// created if missing.
Result<Fd> open_layers(std::span<const std::string> layers, const std::string& scratch);

// The same with a container's own layer on top, writable: the files of a stopped container. Requires kernel 6.5.
Result<Fd> open_container_layers(std::span<const std::string> layers, const std::string& upper,
                                 const std::string& work);

// The path with every symbolic link resolved inside the merged layers: relative, without links. Returns the path itself
// if it does not exist.
Result<std::string> real_path_in_layers(std::span<const std::string> layers, const std::string& scratch,
                                        const std::string& path);

}  // namespace consort::volume

// An image's files as a container would see them, without starting one: whiteouts, opaque folders and links across
// layers are the kernel's business, not ours.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"

namespace consort::volume {

// The root of the merged layers, read-only. A detached mount: it appears nowhere and goes with the descriptor. Layers
// are folders in overlayfs's form, the topmost first. scratch: a folder on which older kernels (before 6.5) mount for a
// moment; it is made if missing.
Result<Fd> open_layers(std::span<const std::string> layers, const std::string& scratch);

// The same with a container's own layer on top, writable: the files of a container that does not run. Needs kernel 6.5.
Result<Fd> open_container_layers(std::span<const std::string> layers, const std::string& upper,
                                 const std::string& work);

// Where a path of the merged layers lies in them: of a directory, its part in each layer that has one, the topmost
// first (what they are merged of); of anything else, the one layer's file that is seen. Links are followed inside the
// image. Fails with Code::not_found where there is nothing.
struct LayersPath {
  std::vector<std::string> paths;
  enum class Kind : std::uint8_t { directory, other } kind = Kind::directory;
};
Result<LayersPath> find_in_layers(std::span<const std::string> layers, const std::string& scratch,
                                  const std::string& subpath);

}  // namespace consort::volume

// Locates the part of an image that is mounted by itself (`type: image` with a subpath).
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/roots.hpp"

namespace consort::engine {

// What the merged layers contain at a path, in a form that can be mounted.
struct LayersPart {
  std::vector<std::string> directories;  // directories to merge, topmost first; empty: it is a file
  std::string file;                      // that file
};

// layers: absolute paths, topmost first, in overlayfs format. Code::invalid for a path that is absolute, leaves the
// image, passes through a link, or does not exist.
Result<LayersPart> part_of_layers(const std::vector<std::string>& layers, const std::string& subpath);

// The same after resolving links on the way, inside the image.
Result<LayersPart> mounted_part(const Roots& roots, const std::vector<std::string>& layers, const std::string& subpath);

}  // namespace consort::engine

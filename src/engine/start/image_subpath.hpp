// A part of an image that is mounted by itself (`type: image` with a subpath).
#pragma once

#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/roots.hpp"

namespace consort::engine {

// What the merged layers have at a path, as one can mount it.
struct LayersPart {
  std::vector<std::string> folders;  // to be merged, the topmost first; none: it is
  std::string file;                  // this one
};

// layers: absolute paths, the topmost first, in overlayfs's form. Code::invalid for a path that is absolute, leads out,
// leads through a link or to nothing.
Result<LayersPart> part_of_layers(const std::vector<std::string>& layers, const std::string& subpath);

// The same after links on the way were followed, inside the image.
Result<LayersPart> mounted_part(const Roots& roots, const std::vector<std::string>& layers, const std::string& subpath);

}  // namespace consort::engine

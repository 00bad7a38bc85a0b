// A stage's merged file system, for reading and for changes by a step.
#pragma once

#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "image/store.hpp"

namespace consort::build {

// Layers, base first, as IDs and as directories.
struct Layers {
  std::vector<std::string> ids;
  std::vector<std::string> directories;
};

// The merged view, read-only. scratch: an existing directory.
Result<Fd> open_merged(const Layers& layers, const std::string& scratch);
// The merged view with a draft on top, which receives all changes. Without layers, this is the draft itself.
Result<Fd> open_merged(const Layers& layers, const image::LayerDraft& draft);

}  // namespace consort::build

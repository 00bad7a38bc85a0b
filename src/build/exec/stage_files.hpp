// A stage's file system while a step changes it, and while others read it.
#pragma once

#include <string>
#include <vector>

#include "base/os/fd.hpp"
#include "image/store.hpp"

namespace consort::build {

// Layers base first, as ids and as directories.
struct Layers {
  std::vector<std::string> ids;
  std::vector<std::string> folders;
};

// The merged view, read-only. scratch: an existing directory.
Result<Fd> open_merged(const Layers& layers, const std::string& scratch);
// The merged view with a draft on top, which takes all changes. Without layers it is the draft itself.
Result<Fd> open_merged(const Layers& layers, const image::LayerDraft& draft);

}  // namespace consort::build

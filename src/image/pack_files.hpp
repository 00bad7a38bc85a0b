// Packs chosen files into a tar, each under a given name.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "image/layer_tar.hpp"

namespace consort::image {

struct ChosenFile {
  std::string path;  // below the root
  std::string as;    // in the tar
};

// Writes exactly these, in this order: directories without their contents, links as links. `root` is the descriptor of
// a directory (borrowed) that links cannot lead out of. Returns the indices of files that do not, or no longer, exist.
Result<std::vector<std::size_t>> pack_files(int root, std::span<const ChosenFile> files, const ByteSink& tar,
                                            const PackOptions& options = {});

}  // namespace consort::image

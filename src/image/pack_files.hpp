// A tar of chosen files, each under a name of its own choice.
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

// Writes exactly these, in this order: a directory without what is in it, a link as a link. `root` is a directory's
// descriptor (borrowed), out of which no link leads. Gives the indices of those that are not there, or not any more.
Result<std::vector<std::size_t>> pack_files(int root, std::span<const ChosenFile> files, const ByteSink& tar,
                                            const PackOptions& options = {});

}  // namespace consort::image

// The functions of layer_tar.hpp for files of a running container that has its own user namespace. first_owner is the
// ID of the container's root as this process sees it: added to the owners in the tar, subtracted from those of files.
#pragma once

#include <cstdint>
#include <string>

#include "image/layer_tar.hpp"

namespace consort::image {

Result<UnpackReport> unpack_for(std::uint32_t first_owner, const ByteSource& tar, const std::string& directory,
                                const UnpackOptions& options);
Result<std::uint64_t> pack_layer_of(std::uint32_t first_owner, const std::string& directory, const ByteSink& tar,
                                    const PackOptions& options);
Result<> pack_entry_of(std::uint32_t first_owner, int directory, const std::string& name, const std::string& as,
                       const ByteSink& tar, const PackOptions& options);

}  // namespace consort::image

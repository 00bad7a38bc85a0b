// ADD of an archive, which is recognized by its content, with any of the usual compressions.
#pragma once

#include <string>

#include "base/os/fd.hpp"
#include "image/layer_tar.hpp"

namespace consort::build {

// Is it a tar archive, uncompressed or with gzip, bzip2, xz or zstd? Restores the descriptor's position.
Result<bool> is_archive(int fd);
// The decompressed tar archive. fd is borrowed and read from its current position.
Result<image::ByteSource> open_archive(int fd);

}  // namespace consort::build

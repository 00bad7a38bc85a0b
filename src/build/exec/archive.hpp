// ADD of an archive: told by its content, packed in any usual way.
#pragma once

#include <string>

#include "base/os/fd.hpp"
#include "image/layer_tar.hpp"

namespace consort::build {

// Is it a tar, packed with gzip, bzip2, xz, zstd or not? The descriptor's position is restored.
Result<bool> is_archive(int fd);
// The tar inside. fd is borrowed and read from where it stands.
Result<image::ByteSource> open_archive(int fd);

}  // namespace consort::build

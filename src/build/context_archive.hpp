// Build contexts received as archives.
#pragma once

#include <string>

#include "base/error.hpp"

namespace consort::build {

// Extracts an untrusted tar archive (uncompressed or with gzip, bzip2, xz, zstd) from a pipe or file (borrowed) into an
// existing, empty directory. Code::invalid if it is not a tar archive.
Result<> unpack_context(int in, const std::string& directory);

}  // namespace consort::build

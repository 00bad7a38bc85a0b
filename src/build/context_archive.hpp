// A build context that comes as an archive.
#pragma once

#include <string>

#include "base/error.hpp"

namespace consort::build {

// A tar, packed with gzip, bzip2, xz, zstd or not, from a pipe or a file, into a directory that is there and empty; it
// is not trusted. Code::invalid for what is none.
Result<> unpack_context(int in, const std::string& folder);

}  // namespace consort::build

// Copies a directory with everything that makes up its files: owners, modes with setuid, symbolic and hard links,
// extended attributes, devices, times.
#pragma once

#include "base/error.hpp"

namespace consort::volume {

// Descriptors of directories. What is in `from` goes into `to`, which must be empty; `to` itself takes owner, mode and
// times of `from`. Links are copied, never followed. The first failure ends it and leaves what was copied.
Result<> copy_tree(int from, int to);

// Owner, mode and times only.
Result<> copy_attributes(int from, int to);

}  // namespace consort::volume

// Copies a directory with all properties of its files: owners, modes with setuid, symbolic and hard links, extended
// attributes, devices, times.
#pragma once

#include "base/error.hpp"

namespace consort::volume {

// Both are descriptors of directories. Copies the contents of `from` into `to`, which must be empty and gets the owner,
// mode and times of `from`. Links are copied, never followed. Stops at the first failure and leaves what was copied.
Result<> copy_tree(int from, int to);

// Copies only owner, mode and times.
Result<> copy_attributes(int from, int to);

}  // namespace consort::volume

// A deadline as a descriptor, for who polls descriptors.
#pragma once

#include <chrono>

#include "base/error.hpp"
#include "base/os/fd.hpp"

namespace consort {

// Readable once that much time has passed.
Result<Fd> timer_of(std::chrono::milliseconds delay);

}  // namespace consort

// A timer as a descriptor, for code that polls descriptors.
#pragma once

#include <chrono>

#include "base/error.hpp"
#include "base/os/fd.hpp"

namespace consort {

// Readable once the delay has passed.
Result<Fd> timer_of(std::chrono::milliseconds delay);

}  // namespace consort

// SIGINT, SIGTERM and SIGWINCH as bytes in pipes. Handlers rather than a blocked mask and a signalfd: a mask is
// inherited by every program we start, containers included.
#pragma once

#include "base/error.hpp"

namespace consort::cli {

// Of a command that the user has broken off.
inline constexpr int interrupted_status = 130;

// Each installs its handlers once per process. The descriptors live as long as the program and do not block; one byte a
// signal, its number.
Result<int> interrupt_descriptor();  // SIGINT, SIGTERM, while somebody listens (project/exec/listening.hpp)
Result<int> window_descriptor();     // SIGWINCH

}  // namespace consort::cli

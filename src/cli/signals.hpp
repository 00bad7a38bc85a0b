// SIGINT and SIGTERM as bytes in a pipe. Handlers rather than a blocked mask and a signalfd: a mask is inherited by
// every program we start, containers included.
#pragma once

#include "base/error.hpp"

namespace consort::cli {

// Installs the handlers once per process. The descriptor lives as long as the program; one byte a signal, its number.
Result<int> interrupt_descriptor();


}  // namespace consort::cli

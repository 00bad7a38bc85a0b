// Streams between a caller and a process in a container, in terms that the engine and everything above it also use.
// They are always our ends of pipes and terminals created for the process: nothing that a caller holds reaches a
// container.
#pragma once

#include <cstdint>

#include "base/os/fd.hpp"

namespace consort::supervisor {

// In characters, as in the kernel.
struct TerminalSize {
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
};

// For a process of exec: a writer of its input, readers of its output and errors.
struct ExecStreams {
  Fd in, out, err;
};

// The standard input (open_stdin) or the terminal of a container's first process. Its output is in its log.
struct Attachment {
  Fd input;     // a pipe's writer; none with a terminal
  Fd terminal;  // the pty's master
};

}  // namespace consort::supervisor

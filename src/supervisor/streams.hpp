// What flows between a caller and a process in a container, in the words that the engine and everything above it use as
// well. These are always our ends of pipes and terminals that were made for the process: nothing that a caller holds
// gets into a container.
#pragma once

#include <cstdint>

#include "base/os/fd.hpp"

namespace consort::supervisor {

// In characters, as the kernel has it.
struct TerminalSize {
  std::uint16_t rows = 0;
  std::uint16_t columns = 0;
};

// Of a process of exec: a writer of its input, readers of its output and errors.
struct ExecStreams {
  Fd in, out, err;
};

// The standard input (open_stdin) or the terminal of a container's first process. What it writes is in its log.
struct Attachment {
  Fd input;     // a pipe's writer; none with a terminal
  Fd terminal;  // the pty's master
};

}  // namespace consort::supervisor

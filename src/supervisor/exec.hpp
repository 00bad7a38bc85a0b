// A process started in a running container, for the caller that started it.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <string>
#include <utility>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "base/roots.hpp"
#include "supervisor/streams.hpp"

namespace consort::supervisor {

// Destroying it does not end the process.
class Exec {
 public:
  struct Parts {
    Roots roots;
    std::string project;
    std::string container_id;
    std::uint64_t exec = 0;
    pid_t pid = 0;
    Fd socket;
    Fd process;  // pidfd
    Fd terminal;
    ExecStreams streams;
  };
  explicit Exec(Parts parts) : parts_(std::move(parts)) {}

  int terminal() const { return parts_.terminal.get(); }  // the pty's master with tty, else -1; owned by this object
  ExecStreams take_streams() { return std::move(parts_.streams); }  // empty unless requested
  int fd() const { return parts_.process.get(); }                   // readable once it has ended: wait() returns soon
  pid_t pid() const { return parts_.pid; }                          // in the host's PID namespace
  Result<> resize(TerminalSize size);
  Result<> kill(int signal);  // succeeds if it has already ended
  Result<int> wait();         // exit code, or 128 + signal; -1: unknown

 private:
  Parts parts_;
};

}  // namespace consort::supervisor

// Between our standard streams and a process in a container.
#pragma once

#include <optional>
#include <string>

#include "base/time.hpp"
#include "engine/engine.hpp"

namespace consort::cli {

// An exec with a terminal: until the process ends. The value is its exit code.
Result<int> relay_exec_terminal(engine::Exec& exec, int interrupt_fd);
// One that has our own descriptors: signals are passed on.
Result<int> await_exec(engine::Exec& exec, int interrupt_fd);

struct AttachRelay {
  std::string id;
  std::string project;
  bool tty = false;
  bool with_input = true;
  bool signals = true;                // pass SIGINT and SIGTERM on
  std::optional<SystemTime> since{};  // of the output
  std::string detach_keys = "ctrl-p,ctrl-q";
  bool take_size = true;
};
struct RelayEnd {
  bool detached = false;
  int exit_code = 0;
};
// A container's own process: its log is followed, what we read goes to its input.
Result<RelayEnd> relay_container(engine::Engine& engine, const AttachRelay& relay, int interrupt_fd);

}  // namespace consort::cli

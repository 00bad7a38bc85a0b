// Connects our standard streams to a process in a container. Never blocks on one side: signals and the other streams
// are handled at the same time.
#pragma once

#include <optional>
#include <string>

#include "base/time.hpp"
#include "engine/engine.hpp"

namespace consort::cli {

// Runs until the process ends or the detach keys are typed; returns the command's exit code. Signals are passed on to
// the process; the third one ends the command.
Result<int> relay_exec(engine::Exec& exec, int interrupt_fd);

struct AttachRelay {
  std::string id;
  std::string project;
  bool tty = false;
  bool with_input = true;
  bool signals = true;  // pass on SIGINT and SIGTERM
  // For a container that we started: Engine::hold_output(). Otherwise, output is shown from now on.
  std::optional<engine::LogReader> output{};
  // of_command: anything that ends the command (SIGTERM, SIGHUP, output that nobody reads any more) stops the
  // container.
  enum class Life : std::uint8_t { own, of_command } life = Life::own;
  std::string detach_keys = "ctrl-p,ctrl-q";
  bool take_size = true;
};
struct RelayEnd {
  enum class How : std::uint8_t { container_ended, left } how = How::container_ended;
  int exit_code = 0;
};
// For a container's main process: follows its log, and forwards our input to it.
Result<RelayEnd> relay_container(engine::Engine& engine, AttachRelay relay, int interrupt_fd);

}  // namespace consort::cli

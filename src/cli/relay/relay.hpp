// Between our standard streams and a process in a container. What flows is never waited for on one side only: signals
// and the other streams are heard meanwhile.
#pragma once

#include <optional>
#include <string>

#include "base/time.hpp"
#include "engine/engine.hpp"

namespace consort::cli {

// Until the process ends, or its keys to detach are typed. The value is the command's exit code. The process gets the
// signals that we get; the third ends the command.
Result<int> relay_exec(engine::Exec& exec, int interrupt_fd);

struct AttachRelay {
  std::string id;
  std::string project;
  bool tty = false;
  bool with_input = true;
  bool signals = true;  // pass SIGINT and SIGTERM on
  // Of a container that is ours from its start: Engine::hold_output(). Else its output is shown from now on.
  std::optional<engine::LogReader> output{};
  // of_command: whatever ends the command (SIGTERM, SIGHUP, an output that nobody reads any more) stops the container.
  enum class Life : std::uint8_t { own, of_command } life = Life::own;
  std::string detach_keys = "ctrl-p,ctrl-q";
  bool take_size = true;
};
struct RelayEnd {
  enum class How : std::uint8_t { container_ended, left } how = How::container_ended;
  int exit_code = 0;
};
// A container's own process: its log is followed, what we read goes to its input.
Result<RelayEnd> relay_container(engine::Engine& engine, AttachRelay relay, int interrupt_fd);

}  // namespace consort::cli

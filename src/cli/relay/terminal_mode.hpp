// Our terminal, used by a process in a container.
#pragma once

#include <termios.h>

#include "base/detach_keys.hpp"
#include "engine/engine.hpp"

namespace consort::cli {

inline constexpr char interrupt_key = '\003';  // Ctrl-C, as read from a raw terminal

// Puts standard input into raw mode until destroyed; does nothing if it is not a terminal.
class RawTerminal {
 public:
  RawTerminal();
  ~RawTerminal();
  RawTerminal(const RawTerminal&) = delete;
  RawTerminal& operator=(const RawTerminal&) = delete;

 private:
  termios before_{};
  bool raw_ = false;
};

engine::TerminalSize terminal_size();

}  // namespace consort::cli

// Our terminal, lent to a process in a container.
#pragma once

#include <termios.h>

#include <string>
#include <string_view>

#include "engine/engine.hpp"

namespace consort::cli {

// Raw mode on standard input until destruction; nothing if it is no terminal.
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

// Looks for the keys that detach (Ctrl-P Ctrl-Q) in what is typed.
class DetachKeys {
 public:
  // keys: "ctrl-p,ctrl-q", "a,b"; what cannot be read keeps the default.
  explicit DetachKeys(std::string_view keys = "ctrl-p,ctrl-q");
  struct Filtered {
    std::string text;  // to be passed on
    bool detached = false;
  };
  Filtered feed(std::string_view typed);

 private:
  std::string sequence_;
  std::size_t matched_ = 0;
};

}  // namespace consort::cli

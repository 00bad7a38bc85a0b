// How the relays handle a process that has ended while the reader of our output does not read.
#pragma once

#include <cstdint>
#include <optional>

#include "cli/relay/patience.hpp"
#include "cli/relay/terminal_mode.hpp"

namespace consort::cli {

// unread: bytes that the reader has not read yet. left: set to the command's exit code once the rest is given up.
inline void outlast_reader(Patience& patience, std::uint64_t unread, std::optional<RawTerminal>& raw,
                           std::optional<int>& left) {
  patience.sees(unread);
  if (!patience.stands()) return;
  raw.reset();  // there is no process left to send keys to: Ctrl-C is for us
  if (const auto signal = patience.given_up()) left = 128 + *signal;
}

}  // namespace consort::cli

// What the relays do when a process has ended and its output is held up by whoever reads ours.
#pragma once

#include <cstdint>
#include <optional>

#include "cli/relay/patience.hpp"
#include "cli/relay/terminal_mode.hpp"

namespace consort::cli {

// unread: what the reader has not taken yet. left: the command's exit code, once the rest is not waited for.
inline void outlast_reader(Patience& patience, std::uint64_t unread, std::optional<RawTerminal>& raw,
                           std::optional<int>& left) {
  patience.sees(unread);
  if (!patience.stands()) return;
  raw.reset();  // nobody is there any more who could be sent keys: Ctrl-C is for us
  if (const auto signal = patience.given_up()) left = 128 + *signal;
}

}  // namespace consort::cli

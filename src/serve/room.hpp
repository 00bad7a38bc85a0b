// Who has to go when all connections are taken and another client comes.
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

#include "base/os/fd.hpp"

namespace consort::serve {

// Whose connection it is, as far as can be told: the process at the other end of a unix socket, the address of a client
// that comes over the network.
using Peer = std::uint64_t;
Peer peer_of(int client);

struct Holder {
  Peer peer = 0;
  bool idle = false;                            // between two requests
  std::chrono::steady_clock::time_point since;  // that it is so
};

// Which of all that are open. Peers have a right to as many as the others: whoever has more than the newcomer would
// have loses the one that has been idle longest or, if none is, the newest. Between equals, one goes that has been idle
// for a second or more, as HTTP allows at any time. nullopt: the newcomer has to wait.
std::optional<std::size_t> who_makes_room(std::span<const Holder> holders, Peer newcomer,
                                          std::chrono::steady_clock::time_point now);

}  // namespace consort::serve

// Reads changes from a stream of states without ever blocking.
#pragma once

#include <poll.h>

#include <optional>

#include "engine/engine.hpp"

namespace consort::project {

// nullopt if there is none at the moment, whether or not next() itself would block.
inline Result<std::optional<engine::StateChange>> next_change(engine::Watch& watch) {
  pollfd ready{watch.fd(), POLLIN, 0};
  if (watch.fd() < 0 || ::poll(&ready, 1, 0) <= 0) return std::optional<engine::StateChange>();
  return watch.next();
}

}  // namespace consort::project

// Taking changes from a state stream without ever waiting for one.
#pragma once

#include <poll.h>

#include <optional>

#include "engine/engine.hpp"

namespace consort::project {

// nullopt when nothing is there just now, whether or not next() itself would block.
inline Result<std::optional<engine::StateChange>> next_change(engine::Watch& watch) {
  pollfd ready{watch.fd(), POLLIN, 0};
  if (watch.fd() < 0 || ::poll(&ready, 1, 0) <= 0) return std::optional<engine::StateChange>();
  return watch.next();
}

}  // namespace consort::project

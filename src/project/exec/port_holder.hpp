// Finds out what holds a port that could not be published: another project's container or a process of the host.
#pragma once

#include <cstdint>
#include <string>

#include "base/error.hpp"
#include "engine/engine.hpp"

namespace consort::project {

// Whether it is a network error whose subject is the port.
bool is_port_conflict(const Error& error);

struct PortHolderWords {
  enum class Holder : std::uint8_t { unknown, container, process };
  Holder holder = Holder::unknown;
  // "port 8000 is published by container x of project y; ..." or "... is taken by process nginx (pid 12)"; "": unknown
  std::string text;
};
PortHolderWords describe_port_holder(engine::Engine& engine, const Error& port_conflict);

}  // namespace consort::project

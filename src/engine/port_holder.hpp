// Finds the process that holds a port that a container wants to publish.
#pragma once

#include "network/ports.hpp"

namespace consort::engine {

using consort::find_port_holder;
using consort::PortHolder;

}  // namespace consort::engine

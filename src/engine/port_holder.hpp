// Which process of the machine has a port that a container is to be published on.
#pragma once

#include "network/ports.hpp"

namespace consort::engine {

using consort::find_port_holder;
using consort::PortHolder;

}  // namespace consort::engine

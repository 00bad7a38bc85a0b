// What a container cannot see or change below /proc and /sys.
#pragma once

#include "engine/types.hpp"

namespace consort::engine {

Strings masked_paths(const ContainerSpec& spec);
Strings readonly_paths(const ContainerSpec& spec);

}  // namespace consort::engine

// What Engine::update_container() changes of an existing container.
#pragma once

#include "engine/types.hpp"

namespace consort::engine {

struct Changeable {
  Resources resources;
  RestartPolicy restart;
};

}  // namespace consort::engine

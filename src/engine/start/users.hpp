// Whether a container gets a user namespace of its own: docs/decisions/0148.
#pragma once

#include <string>
#include <vector>

#include "engine/types.hpp"
#include "runtime/spec.hpp"

namespace consort::engine {

struct ContainerUsers {
  bool own = false;
  std::string of;  // then "", or the container whose users it shares, with one of its namespaces
};

// What the file asks for that only root of the machine has; "": nothing.
std::string needs_users_of_machine(const ContainerSpec& spec, std::uint64_t capabilities);

}  // namespace consort::engine

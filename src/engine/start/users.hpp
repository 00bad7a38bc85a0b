// Decides whether a container gets a user namespace of its own: docs/decisions/0148.
#pragma once

#include <string>
#include <vector>

#include "engine/types.hpp"
#include "runtime/spec.hpp"

namespace consort::engine {

struct ContainerUsers {
  bool own = false;
  std::string of;  // if own: "", or the container whose user namespace it shares because it joins one of its namespaces
};

// The setting that requires the machine's root; "": none.
std::string needs_users_of_machine(const ContainerSpec& spec, std::uint64_t capabilities);

}  // namespace consort::engine

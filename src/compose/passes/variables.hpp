// `config --variables`: lists every variable of a model with the default that Docker Compose 2.40 would show.
#pragma once

#include <vector>

#include "compose/compose.hpp"
#include "compose/node.hpp"

namespace consort::compose {

// Sorted by name. If a variable is used in several places, the one shown is the same as in Docker Compose where that is
// defined (within one string or list); between the keys of a mapping, where Docker Compose chooses at random, it is the
// use that gives the most information.
std::vector<VariableUse> variables_of(const Node& tree);

}  // namespace consort::compose

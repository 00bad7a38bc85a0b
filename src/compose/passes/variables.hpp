// What `config --variables` lists: every variable of a model, with the default that Docker Compose 2.40 would show.
#pragma once

#include <vector>

#include "compose/compose.hpp"
#include "compose/node.hpp"

namespace consort::compose {

// Sorted by name. When a variable stands in several places, which of them is shown follows Docker Compose wherever that
// is defined (one text, one list); between the keys of a mapping, where Docker Compose takes a random one, it is the
// one that says most.
std::vector<VariableUse> variables_of(const Node& tree);

}  // namespace consort::compose

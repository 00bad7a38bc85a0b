// What the prune commands ask before, and what they print afterwards.
#pragma once

#include <string>

#include "cli/invocation.hpp"
#include "engine/prune.hpp"

namespace consort::cli {

engine::PruneMode prune_mode(const Invocation& invocation);
// "WARNING! ...": asked unless --force was given or nothing would be removed.
bool confirm_prune(const Invocation& invocation, const std::string& warning);

// what: "Containers". What could not be removed is printed as an error: false.
enum class PrunedBy : std::uint8_t { id, name };
bool print_pruned(const Invocation& invocation, const std::string& what, PrunedBy by, const engine::Pruned& pruned);
void print_reclaimed(const Invocation& invocation, std::uint64_t bytes);

}  // namespace consort::cli

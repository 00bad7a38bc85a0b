// Removing the containers, networks and volumes that nobody uses, for the command line and the API alike. Images have
// their own: Images::prune().
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "engine/engine.hpp"

namespace consort::engine {

enum class PruneMode : std::uint8_t {
  act,
  plan,                  // removes nothing, and says what would be removed
  plan_without_stopped,  // the same, as if the stopped containers had been pruned before
};
enum class NamedVolumes : std::uint8_t { keep, prune };

struct Pruned {
  struct Item {
    std::string id;  // of a volume: its name
    std::string name;
    std::uint64_t bytes = 0;
  };
  std::vector<Item> items;
  std::uint64_t bytes = 0;    // of all of them
  std::vector<Error> failed;  // removals; what somebody uses by now, or has removed himself, is none
};

// only: which of those that nobody uses may go; empty: all. A container that runs, or is about to start again, stays.
Result<Pruned> prune_containers(Engine& engine, PruneMode mode, const std::function<bool(const Container&)>& only = {});
Result<Pruned> prune_networks(Engine& engine, PruneMode mode, const std::function<bool(const Network&)>& only = {});
Result<Pruned> prune_volumes(Engine& engine, PruneMode mode, NamedVolumes named,
                             const std::function<bool(const Volume&)>& only = {});

}  // namespace consort::engine

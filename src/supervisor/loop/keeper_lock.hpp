// Whether a project has a keeper. A supervisor locks a file and gives the descriptor to the keeper's store; so the lock
// is held for as long as the keeper lives, whatever happens to supervisors.
#pragma once

#include <string>

#include "base/os/file.hpp"

namespace consort::supervisor {

inline std::string keeper_lock_path(const std::string& run_folder) {
  return join_path(run_folder, "keeper.lock");
}
bool keeper_lives(const std::string& run_folder);

}  // namespace consort::supervisor

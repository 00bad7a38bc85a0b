// Whether a project has a keeper. A supervisor locks a file and gives the descriptor to the keeper's store; so the lock
// is held for as long as the keeper lives, whatever happens to supervisors. It is a lock of the open file description
// (F_OFD_SETLK): who wants to know asks for it (F_OFD_GETLK) and takes nothing, so that no look can be in a
// supervisor's way.
#pragma once

#include <string>

#include "base/os/file.hpp"

namespace consort::supervisor {

inline std::string keeper_lock_path(const std::string& run_folder) {
  return join_path(run_folder, "keeper.lock");
}
bool keeper_lives(const std::string& run_folder);
bool hold_keeper_lock(int file);  // open for writing; false: somebody else's

}  // namespace consort::supervisor

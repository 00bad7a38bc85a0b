// Who looks after a project: one keeper, and one supervisor.
//
// keeper.lock: whether it has a keeper. A supervisor locks a file and gives the descriptor to the keeper's store; so
// the lock is held for as long as the keeper lives, whatever happens to supervisors. It is a lock of the open file
// description (F_OFD_SETLK): who wants to know asks for it (F_OFD_GETLK) and takes nothing, so that no look can be in a
// supervisor's way.
//
// serving.lock: held by a supervisor from before it touches anything to its end. One whose keeper was killed may go on
// for a while before it notices; two that read the same pipes would each write a part of the log over the other's. This
// is a lock of the process (F_SETLK): what a killed one was just making by clone has no part in it.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/os/files/file.hpp"

namespace consort::supervisor {

inline std::string keeper_lock_path(const std::string& run_folder) {
  return join_path(run_folder, "keeper.lock");
}
bool keeper_lives(const std::string& run_folder);
bool hold_keeper_lock(int file);  // open for writing; false: somebody else's

inline std::string serving_lock_path(const std::string& run_folder) {
  return join_path(run_folder, "serving.lock");
}
// `file` is open for writing, and the only descriptor of that file that this process ever has: closing another would
// give the lock back. False: another process has it.
bool hold_serving_lock(int file);
pid_t who_serves(int file);  // 0: nobody but us

// What a supervisor tells who started it, when somebody else's pair was faster: that one is to be asked.
inline constexpr std::string_view outrun = "outrun";

}  // namespace consort::supervisor

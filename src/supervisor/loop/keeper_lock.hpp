// The locks that ensure that a project has only one keeper and one supervisor.
//
// keeper.lock: whether there is a keeper. A supervisor locks the file and gives the descriptor to the keeper's store,
// so the lock is held as long as the keeper lives, whatever happens to supervisors. It is a lock of the open file
// description (F_OFD_SETLK): checking it with F_OFD_GETLK acquires nothing, so no check can get in a supervisor's way.
//
// serving.lock: held by a supervisor from before it touches anything until its end. A supervisor whose keeper was
// killed may continue for a while before it notices; two that read the same pipes would overwrite parts of each other's
// log. This is a lock of the process (F_SETLK), so a child that a killed supervisor was just cloning does not hold it.
#pragma once

#include <sys/types.h>

#include <string>
#include <string_view>

#include "base/os/files/file.hpp"

namespace consort::supervisor {

inline std::string keeper_lock_path(const std::string& run_directory) {
  return join_path(run_directory, "keeper.lock");
}
bool keeper_lives(const std::string& run_directory);
bool hold_keeper_lock(int file);  // open for writing; false: another keeper has it

inline std::string serving_lock_path(const std::string& run_directory) {
  return join_path(run_directory, "serving.lock");
}
// `file` is open for writing, and the only descriptor of that file that this process ever has: closing another one
// would release the lock. False: another process has it.
bool hold_serving_lock(int file);
pid_t who_serves(int file);  // 0: no other process

// A supervisor's answer to the process that started it if another pair was faster: use that one.
inline constexpr std::string_view outrun = "outrun";

}  // namespace consort::supervisor

// Builds at the same step, in this program or another, take turns: the first does it for all.
#pragma once

#include <optional>
#include <string>

#include "base/os/files/lock_file.hpp"

namespace consort::build {

// The file that is locked by whoever is at the step.
std::string turn_path(const std::string& run_root, const std::string& step_digest);
// nullopt: somebody is at it.
Result<std::optional<LockFile>> try_take_turn(const std::string& run_root, const std::string& step_digest);
// What builds that were killed have left. One listing where there is nothing.
Result<> sweep_turns(const std::string& run_root);

}  // namespace consort::build

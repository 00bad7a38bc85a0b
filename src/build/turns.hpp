// Concurrent builds of the same step, in this process or another, take turns: the first one executes it for all.
#pragma once

#include <optional>
#include <string>

#include "base/os/files/lock_file.hpp"

namespace consort::build {

// The file that is locked by whoever is at the step.
std::string turn_path(const std::string& run_root, const std::string& step_digest);
// nullopt: somebody is at it.
Result<std::optional<LockFile>> try_take_turn(const std::string& run_root, const std::string& step_digest);
// Removes what killed builds have left. If there is nothing, it costs one listing.
Result<> sweep_turns(const std::string& run_root);

}  // namespace consort::build

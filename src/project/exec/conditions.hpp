// Waiting for a container to become what a dependent needs, by the supervisor's state stream: no polling.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "engine/engine.hpp"
#include "project/exec/cancellation.hpp"
#include "project/plan/plan.hpp"

namespace consort::project {

// Docker's words on failure ("container x is unhealthy"); the hint tells what the check printed and the last lines of
// the log. most: seconds; then "timeout waiting for dependencies".
Result<> await_condition(engine::Engine& engine, const std::string& project, const Operation& operation,
                         Awaited awaited, const Cancellation& cancel, std::optional<int> most = {});

// The last lines of a container's log, each indented by two; "" if there are none.
std::string last_log_lines(engine::Engine& engine, const std::string& container, std::size_t count);

}  // namespace consort::project

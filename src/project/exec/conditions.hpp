// Waits until a container meets a dependent's condition, using the supervisor's stream of states, without polling.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "engine/engine.hpp"
#include "project/exec/cancellation.hpp"
#include "project/plan/plan.hpp"

namespace consort::project {

// Errors have Docker's text ("container x is unhealthy"); the hint has the check's output and the last lines of the
// log. most: seconds, after which the error is "timeout waiting for dependencies".
Result<> await_condition(engine::Engine& engine, const std::string& project, const Operation& operation,
                         Awaited awaited, const Cancellation& cancel, std::optional<int> most = {});

// The last lines of a container's log, each indented by two spaces; "" if there are none.
std::string last_log_lines(engine::Engine& engine, const std::string& container, std::size_t count);

}  // namespace consort::project

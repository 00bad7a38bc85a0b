// Runs post_start and pre_stop hooks: commands in a running container.
#pragma once

#include "project/exec/session.hpp"

namespace consort::project {

// Runs them one after another. A hook that fails makes this fail, unless the container is one of `run` and has ended
// itself. Their output goes to detail.on_hook_line line by line, or to /dev/null if that is empty.
Result<> run_hooks(Session& session, const Operation& operation, const std::vector<compose::Hook>& hooks,
                   const RunDetail& detail, const Cancellation& cancel);

}  // namespace consort::project

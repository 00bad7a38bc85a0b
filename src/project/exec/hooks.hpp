// post_start and pre_stop: commands in a container that runs.
#pragma once

#include "project/exec/session.hpp"

namespace consort::project {

// One after the other; one that ends with an error fails this, unless the container is one of `run` and has ended
// itself. detail.on_hook_line gets what they write, line by line as it comes; without it they write to /dev/null.
Result<> run_hooks(Session& session, const Operation& operation, const std::vector<compose::Hook>& hooks,
                   const RunDetail& detail, const Cancellation& cancel);

}  // namespace consort::project

// Runs a pre_start hook in its container, which is already created.
#pragma once

#include "project/exec/session.hpp"

namespace consort::project {

// Starts it, shows its output and waits for its end. The container is removed if it exits with 0; otherwise it is kept,
// and the error has its last output. It is also removed if interrupted or not startable.
Result<> run_pre_start(Session& session, const Operation& operation, const RunPreStart& hook, const RunDetail& detail,
                       const Cancellation& cancel);

}  // namespace consort::project

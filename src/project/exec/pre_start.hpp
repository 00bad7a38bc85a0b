// A pre_start hook at work: its container is there and not started.
#pragma once

#include "project/exec/session.hpp"

namespace consort::project {

// Starts it, shows what it writes, waits for its end. Ended with 0 it is removed; with anything else it stays, and the
// error has what it wrote last. When it is interrupted or cannot be started, it is removed.
Result<> run_pre_start(Session& session, const Operation& operation, const RunPreStart& hook, const RunDetail& detail,
                       const Cancellation& cancel);

}  // namespace consort::project

// Raises the supervisor's own limits: descriptors (some six per container), and protection from the OOM killer. The
// runtime resets both for the processes that it starts.
#pragma once

namespace consort::supervisor {

void take_own_limits();  // best effort: without permission, nothing changes

}  // namespace consort::supervisor

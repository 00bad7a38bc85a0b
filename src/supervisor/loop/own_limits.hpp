// What the supervisor takes for itself of the kernel: room for descriptors (some six per container), and to be the last
// that is killed when memory runs out. The runtime gives the processes that it starts their own.
#pragma once

namespace consort::supervisor {

void take_own_limits();  // best effort: what is not permitted stays as it was

}  // namespace consort::supervisor

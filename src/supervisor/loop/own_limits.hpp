// What the supervisor takes for itself of the kernel, and must not hand on to the processes that it starts: room for
// descriptors (some six per container), and to be the last that is killed when memory runs out.
#pragma once

#include <optional>

#include "runtime/spec.hpp"

namespace consort::supervisor {

struct InheritedLimits {
  std::optional<int> oom_score_adj;
  std::optional<runtime::Rlimit> descriptors;

  // As they were before, where the container's own configuration does not say otherwise.
  void give_to(runtime::Process& process) const;
};

// Best effort: what is not permitted stays as it was, and is not in the result.
InheritedLimits take_own_limits();

}  // namespace consort::supervisor

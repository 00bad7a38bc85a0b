// What a bundle that somebody else has made needs of a launch, beyond launch.hpp: it is created by one command, started
// by another, and to be what OCI's words say, not what Docker makes of them. Used by bundle.hpp.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "base/error.hpp"
#include "base/os/fd.hpp"

namespace consort::runtime {

struct ForeignBundle {
  // Two FIFOs, borrowed, open for reading and writing. From Launch::start() on the child listens to nobody but the
  // gate, and says what comes of it to `answer`: see start_at_gate(). With that call the Launch is over.
  int gate = -1;
  int answer = -1;
  // Called while the child waits in its namespaces with everything mounted, but not yet in its root. Empty: no wait.
  std::function<Result<>(pid_t)> before_pivot;
  // Called with the descriptor of a filter that asks (SCMP_ACT_NOTIFY). Empty: the filter must not ask.
  std::function<Result<>(pid_t, Fd)> listener;
  std::uint32_t filter_flags = 0;            // SECCOMP_FILTER_FLAG_*
  int preserved = 0;                         // descriptors 3, 4, ... of the caller that the program gets
  std::optional<unsigned long> personality;  // of an exec: the container's
  bool no_pivot = false;                     // the root moves to "/" instead: what is on a ramfs cannot be pivoted
};

// Opens the gate of a container that waits, and returns when its program runs, or with what went wrong. folder holds
// the FIFOs "gate" and "answer"; process: what the container's config says.
struct Process;
Result<> start_at_gate(const std::string& folder, const Process& process);

}  // namespace consort::runtime

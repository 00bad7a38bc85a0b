// What a launch needs in addition to launch.hpp for a bundle that another program has made: one command creates the
// container, another starts it, and OCI's rules apply without Docker's additions. Used by bundle.hpp.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <functional>
#include <optional>

#include "base/error.hpp"
#include "base/os/fd.hpp"

namespace consort::runtime {

struct ForeignBundle {
  // Two FIFOs, borrowed, open for reading and writing. From Launch::start() on, the child only waits for the gate and
  // reports the result to `answer`: see start_at_gate(). That call ends the Launch.
  int gate = -1;
  int answer = -1;
  // Called while the child waits in its namespaces, with everything mounted but before the change of root. Empty: no
  // wait.
  std::function<Result<>(pid_t)> before_pivot;
  // Called with the listener descriptor of a filter that notifies (SCMP_ACT_NOTIFY). Empty: the filter must not notify.
  std::function<Result<>(pid_t, Fd)> listener;
  std::uint32_t filter_flags = 0;            // SECCOMP_FILTER_FLAG_*
  int preserved = 0;                         // descriptors 3, 4, ... of the caller that the program inherits
  std::optional<unsigned long> personality;  // for exec: the container's
  bool no_pivot = false;                     // moves the root to "/" instead, since a ramfs cannot be pivoted
};

// Opens the gate of a waiting container and returns once its program runs, or with the error. directory has the FIFOs
// "gate" and "answer"; process is the one in the container's config.
struct Process;
Result<> start_at_gate(const std::string& directory, const Process& process);

}  // namespace consort::runtime

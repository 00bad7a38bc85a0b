// Another process in a running container: all its namespaces, its cgroup, and a Process of its own. The result is a
// Launch like any other (launch.hpp).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "runtime/launch.hpp"
#include "runtime/spec.hpp"

namespace consort::runtime {

struct ExecOptions {
  pid_t pid = 0;                          // the container's first process, as this program sees it
  int pidfd = -1;                         // borrowed, recommended: the pid cannot be recycled under us
  std::string cgroup_path;                // as Launch::cgroup_path() gave it; "": the caller's
  std::vector<std::string> groups_below;  // of that one, see Cgroup::open_below(); none: where the first process is
  StdioFds stdio;
  ChildOf child_of = ChildOf::caller;
  std::string seccomp_bpf;
  // Host path of consort-init. Then the process gets a parent of its own in the container, which is what the Launch
  // stands for: SIGTERM to it ends the process and all that it has started. "": none.
  std::string attendant;
  // Borrowed; null: a container of our own. Of it preserved, filter_flags and listener count here.
  const ForeignBundle* foreign = nullptr;
};

// process: what the container's own spec says, with args, env, cwd, user, terminal changed as wanted. With a terminal
// the pty comes from the container's devpts. Code::not_found when the container has ended.
Result<Launch> begin_exec(const Process& process, const ExecOptions& options);

}  // namespace consort::runtime

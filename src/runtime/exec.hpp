// Starts another process in a running container: in all its namespaces and its cgroup, with a Process of its own. The
// result is a Launch like any other (launch.hpp).
#pragma once

#include <sys/types.h>

#include <string>
#include <vector>

#include "runtime/launch.hpp"
#include "runtime/spec.hpp"

namespace consort::runtime {

struct ExecOptions {
  pid_t pid = 0;                          // the container's first process, as this program sees it
  int pidfd = -1;                         // borrowed, recommended: guards against reuse of the pid
  std::string cgroup_path;                // as from Launch::cgroup_path(); "": the caller's
  std::vector<std::string> groups_below;  // below that one, see Cgroup::open_below(); none: the first process's
  StdioFds stdio;
  ChildOf child_of = ChildOf::caller;
  std::string seccomp_bpf;
  // Host path of consort-init. The process then gets a parent of its own in the container, which is the process of this
  // Launch: SIGTERM to it ends the process and everything that it has started. "": none.
  std::string attendant;
  // Borrowed; null: one of our own containers. Only preserved, filter_flags and listener are used here.
  const ForeignBundle* foreign = nullptr;
};

// process: the container's own process spec with args, env, cwd, user and terminal replaced as required. With a
// terminal, the pty comes from the container's devpts. Code::not_found if the container has ended.
Result<Launch> begin_exec(const Process& process, const ExecOptions& options);

}  // namespace consort::runtime

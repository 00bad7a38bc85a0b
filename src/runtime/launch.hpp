// A container between clone and exec, as an object that an event loop can drive; it never blocks.
//
//   parent                                  child
//   begin(): mounts root, creates cgroup
//            clone3 ------------------------> set-up steps (launch/steps.hpp)
//   sync_fd() readable, advance():
//     State::pending <---------------------- (nothing yet)
//     Error          <---------------------- failed{step, errno, argument}, or end-of-file: it died
//     State::ready   <---------------------- ready (+ master of the pty)
//   start() -------------- go -------------->
//     State::pending <---------------------- executing
//     Error          <---------------------- failed{exec, errno}
//     State::started <---------------------- end-of-file: execve closed the socket
//
// End-of-file counts as success only after "executing". Destroying a Launch before `started` kills the child, waits for
// its end and removes the cgroup it created. If the child is a sibling, it only kills: waiting and removing is up to
// the caller, who must not block. May be used from one thread of a multi-threaded program; the child only makes system
// calls.
//
// The payload is executed from a copy of the calling program, so the caller must not be writable through /proc/PID/exe:
// see exe_seal.hpp.
#pragma once

#include <sys/types.h>

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "base/os/processes/process.hpp"
#include "runtime/foreign.hpp"
#include "runtime/spec.hpp"

namespace consort::runtime {

// Unmounting an overlay writes the whole file system below it to disk, which can take seconds. Data that a crash of the
// machine invalidates anyway (a build step's layer before it is recorded) need not wait for that.
enum class OverlaySync : std::uint8_t { at_unmount, never };

struct OverlayRoot {
  std::vector<std::string> lower;  // topmost first; absolute
  std::string upper;               // "" with work "": a read-only view of lower
  std::string work;
  OverlaySync sync = OverlaySync::at_unmount;  // never: must not be mounted after a crash
  // Its files belong to users of containers with their own user namespaces: base/os/processes/container_users.hpp.
  // upper and work are in one directory, and on disk all files have the IDs that the container sees.
  enum class Owners : std::uint8_t { as_they_are, of_container } owners = Owners::as_they_are;
};

enum class ChildOf : std::uint8_t {
  caller,   // the caller waits for it
  sibling,  // CLONE_PARENT: the caller's parent waits for it (the keeper)
};

enum class Life : std::uint8_t {
  own,             // survives the program that started it
  of_its_starter,  // killed with the *thread* that called begin(): build steps must not outlive the builder
};

enum class CgroupUse : std::uint8_t {
  required,     // failure to create a cgroup is an error
  best_effort,  // without it, the container runs in the caller's, with a warning (rootless)
  none,
};

// Borrowed descriptors, duplicated as needed; the caller closes its own. -1: the container's /dev/null. Ignored with a
// terminal. The container owns the files from then on, so pass pipes created for it, never files in other use.
struct StdioFds {
  int in = -1;
  int out = -1;
  int err = -1;
};

struct LaunchOptions {
  std::string id;
  std::string bundle;                  // base of relative paths in the spec; must exist
  std::optional<OverlayRoot> overlay;  // none: spec.root_path is used directly
  int root_fd = -1;                    // borrowed: the overlay, already mounted by mount_detached()
  StdioFds stdio;
  int netns_fd = -1;  // borrowed; joined instead of the spec's network namespace
  ChildOf child_of = ChildOf::caller;
  Life life = Life::own;
  CgroupUse cgroup = CgroupUse::required;
  const ForeignBundle* foreign = nullptr;  // borrowed; null: one of our own containers
  std::string seccomp_bpf;                 // path of a compiled filter; "": none
  std::string init_program;  // host path of consort-init, bound at /sbin/docker-init when the annotation asks for it
};

class Launch {
 public:
  enum class State : std::uint8_t { pending, ready, started };

  static Result<Launch> begin(const Spec& spec, const LaunchOptions& options);
  Launch(Launch&&) noexcept;
  Launch& operator=(Launch&&) noexcept;
  ~Launch();

  pid_t pid() const;  // 0 until `ready` if another process creates the container's process
  int pidfd() const;
  // Watch for EPOLLIN until `started` or an error. Valid as long as this object: stop watching before destroying it.
  int sync_fd() const;
  // Reads what has arrived. An Error is final: it names the step that failed and its object; the child is dead and, if
  // ours, reaped.
  Result<State> advance();
  Result<> start();  // after `ready`
  // Blocks until the state is reached or the launch has failed.
  Result<> wait_for(State state);

  // The helper of an external runtime, told to remove what it has created, which may take a while; the caller waits for
  // it. 0: there is none. Without this call, the destructor waits.
  pid_t release_helper();
  Fd take_pidfd();
  Fd take_console();  // the pty's master (blocking), from `ready` on, if process.terminal
  // A reference to the overlay, from `ready` on. Closing the last one (held by the container's last process, if nobody
  // else has one) unmounts it and waits until the whole file system below it is on disk.
  Fd take_root();
  const std::string& cgroup_path() const;            // "": none was created; see cgroup.hpp
  const std::vector<std::string>& warnings() const;  // such as limits that this kernel lacks

  struct Impl;
  explicit Launch(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

// Docker's exit code for a container whose start failed: 127 not found, 126 not executable, 128 otherwise.
int exit_code_of_failed_start(const Error& error);

// For build steps: starts, waits, kills what is left in the cgroup, removes it. Blocks the calling thread, and ends
// with it. cancel_fd (borrowed, -1: none) readable: kills everything, and the result is Code::interrupted.
struct RunOutcome {
  ExitStatus status;
  bool oom_killed = false;
};
Result<RunOutcome> run_to_end(const Spec& spec, const LaunchOptions& options, int cancel_fd = -1);

}  // namespace consort::runtime

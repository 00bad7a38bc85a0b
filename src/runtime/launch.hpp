// A container between clone and exec, as an object that an event loop can drive; it never blocks.
//
//   parent                                  child
//   begin(): mounts root, makes the cgroup
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
// End-of-file counts as success only after "executing". A Launch that is destroyed before `started` kills the child,
// waits for its end and removes the cgroup it made. If the child is a sibling it only kills: to wait and to remove is
// the caller's, who must not block. May be used from a thread of a program with several; the child makes system calls
// only.
//
// The payload is exec'ed from a copy of the calling program. The caller must not be reachable for writing through
// /proc/PID/exe: see exe_seal.hpp.
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

// Unmounting an overlay writes the whole file system below it to disk, which can take seconds. What is lost with a
// crash of the machine anyway (a build step's layer before it is recorded) need not wait for that.
enum class OverlaySync : std::uint8_t { at_unmount, never };

struct OverlayRoot {
  std::vector<std::string> lower;  // topmost first; absolute
  std::string upper;               // "" with work "": a read-only view of lower
  std::string work;
  OverlaySync sync = OverlaySync::at_unmount;  // never: not to be mounted after a crash
  // Its files belong to the users of containers that have their own: base/os/processes/container_users.hpp. upper and
  // work are in one directory, and on the disk all keep the numbers that the container sees.
  enum class Owners : std::uint8_t { as_they_are, of_container } owners = Owners::as_they_are;
};

enum class ChildOf : std::uint8_t {
  caller,   // the caller waits for it
  sibling,  // CLONE_PARENT: the caller's parent does (the keeper)
};

enum class Life : std::uint8_t {
  own,             // survives the program that started it
  of_its_starter,  // killed with the *thread* that called begin(): build steps must not outlive the builder
};

enum class CgroupUse : std::uint8_t {
  required,     // a cgroup that cannot be made is an error
  best_effort,  // then the container runs in the caller's, with a warning (rootless)
  none,
};

// Borrowed descriptors; duplicated as needed, the caller closes its own. -1: the container's /dev/null. Ignored with a
// terminal. What is given here is the container's from then on: pipes made for it, never what somebody else holds.
struct StdioFds {
  int in = -1;
  int out = -1;
  int err = -1;
};

struct LaunchOptions {
  std::string id;
  std::string bundle;                  // where relative paths of the spec start; must exist
  std::optional<OverlayRoot> overlay;  // none: spec.root_path is used as it is
  int root_fd = -1;                    // borrowed: the overlay, already mounted by mount_detached()
  StdioFds stdio;
  int netns_fd = -1;  // borrowed; joined instead of what the spec says about the network namespace
  ChildOf child_of = ChildOf::caller;
  Life life = Life::own;
  CgroupUse cgroup = CgroupUse::required;
  const ForeignBundle* foreign = nullptr;  // borrowed; null: a container of our own
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

  pid_t pid() const;  // 0 until `ready` where somebody else makes the container's process
  int pidfd() const;
  // Watch for EPOLLIN until `started` or an error. Valid as long as this object: stop watching, then destroy.
  int sync_fd() const;
  // Reads what has come. An Error is final: it says which step failed on what; the child is dead and, if ours, reaped.
  Result<State> advance();
  Result<> start();  // after `ready`
  // Blocks until the state is reached or the launch has failed.
  Result<> wait_for(State state);

  // An external runtime's helper, told to take away what it has made, which can take its time; the caller's to wait
  // for. 0: there is none. Without this call the destructor waits.
  pid_t release_helper();
  Fd take_pidfd();
  Fd take_console();  // the pty's master (blocking), from `ready` on, when process.terminal
  // A hold on the overlay, from `ready` on. Whoever closes the last one (the last process of the
  // container, if nobody else has one) unmounts it, and waits until all of the file system below it is on the disk.
  Fd take_root();
  const std::string& cgroup_path() const;            // "" = none was made; see cgroup.hpp
  const std::vector<std::string>& warnings() const;  // limits that this kernel does not have, and the like

  struct Impl;
  explicit Launch(std::unique_ptr<Impl> impl);

 private:
  std::unique_ptr<Impl> impl_;
};

// The exit code Docker gives a container whose start failed: 127 not found, 126 not executable, 128 otherwise.
int exit_code_of_failed_start(const Error& error);

// For build steps: starts, waits, kills what is left in the cgroup, removes it. Blocks the calling thread, and dies
// with it. cancel_fd (borrowed, -1: none) readable: everything is killed and the result is Code::interrupted.
struct RunOutcome {
  ExitStatus status;
  bool oom_killed = false;
};
Result<RunOutcome> run_to_end(const Spec& spec, const LaunchOptions& options, int cancel_fd = -1);

}  // namespace consort::runtime

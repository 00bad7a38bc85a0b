#pragma once

#include <functional>
#include <optional>
#include <span>

#include "runtime/cgroup.hpp"
#include "runtime/launch.hpp"
#include "runtime/launch/prepared.hpp"
#include "runtime/launch/steps.hpp"

struct clone_args;  // linux/sched.h

namespace consort::runtime {

struct Launch::Impl {
  internal::Prepared plan;
  ChildOf child_of = ChildOf::caller;
  pid_t helper = 0;  // of an external runtime; ours to reap
  std::vector<IdMapping> uid_mappings, gid_mappings;
  std::function<Result<>(pid_t)> before_pivot;
  std::function<Result<>(pid_t, Fd)> listener;

  pid_t pid = 0;
  // sync stays open until the end: an event loop watches it, and must take it out first.
  Fd pidfd, sync, console;
  Fd root;  // of an overlay, once the launch is over
  State state = State::pending;
  bool executing = false;
  bool moved = false;     // into its namespaces: pid is the container's, no longer a helper's on the way
  bool finished = false;  // started, or failed and cleaned up

  std::optional<Cgroup> own_cgroup;  // made by this launch; removed with it until it has started
  std::string cgroup_path;
  std::vector<std::string> warnings;

  ~Impl();
  // Clones and runs the steps in the child.
  Result<> spawn(std::span<const internal::Step> steps);
  // In the child it does not return. `ours` is taken when there is a child.
  Result<> clone_child(clone_args& arguments, std::span<const internal::Step> steps, int child_sync,
                       const int& pidfd_number, Fd& ours);
  Result<State> advance();
  void abandon();  // kills the child; reaps it and removes the cgroup if it is ours
  pid_t release_helper();

 private:
  Result<> let_go_on();
  Result<> handle(const internal::Report& report, const std::string& text, Fd descriptor);
  void reap_helper();
  Error died_silently();
};

}  // namespace consort::runtime

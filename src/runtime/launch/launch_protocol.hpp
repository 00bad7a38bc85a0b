// The state of a Launch, and the parent's side of its protocol with the child; launch/steps.hpp has the messages.
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
  pid_t helper = 0;  // of an external runtime; to be reaped by us
  std::vector<IdMapping> uid_mappings, gid_mappings;
  std::function<Result<>(pid_t)> before_pivot;
  std::function<Result<>(pid_t, Fd)> listener;

  pid_t pid = 0;
  // sync stays open until the end, because an event loop watches it and must remove it first.
  Fd pidfd, sync, console;
  Fd root;  // of an overlay, after the launch
  State state = State::pending;
  bool executing = false;
  bool moved = false;     // is in its namespaces: pid is the container's, not a helper's
  bool finished = false;  // started, or failed and cleaned up

  std::optional<Cgroup> own_cgroup;  // created by this launch; removed with it until it has started
  std::string cgroup_path;
  std::vector<std::string> warnings;

  ~Impl();
  // Clones the child and runs the steps in it.
  Result<> spawn(std::span<const internal::Step> steps);
  // Does not return in the child. `ours` is consumed once there is a child.
  Result<> clone_child(clone_args& arguments, std::span<const internal::Step> steps, int child_sync,
                       const int& pidfd_number, Fd& ours);
  Result<State> advance();
  void abandon();  // kills the child; if ours, reaps it and removes the cgroup
  pid_t release_helper();

 private:
  Result<> let_go_on();
  Result<> handle(const internal::Report& report, const std::string& text, Fd descriptor);
  void reap_helper();
  Error died_silently();
};

}  // namespace consort::runtime

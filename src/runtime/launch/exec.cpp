#include "runtime/exec.hpp"

#include <fcntl.h>
#include <sched.h>
#include <sys/stat.h>

#include "base/os/files/file.hpp"
#include "base/os/processes/container_users.hpp"
#include "runtime/launch/launch_protocol.hpp"
#include "runtime/launch/prepare.hpp"

namespace consort::runtime {

namespace {

// Entering one's own user namespace is an error (EINVAL), so it must be left out.
Result<bool> has_other_user_namespace(pid_t pid) {
  const struct stat theirs = TRY(stat_path("/proc/" + std::to_string(pid) + "/ns/user"));
  const struct stat ours = TRY(stat_path("/proc/self/ns/user"));
  return theirs.st_ino != ours.st_ino || theirs.st_dev != ours.st_dev;
}

std::unexpected<Error> not_running(Error cause) {
  if (cause.code() != Code::not_found) return fail(std::move(cause));
  return fail(Error(Code::not_found, "enter container").why("it is not running"));
}

}  // namespace

Result<Launch> begin_exec(const Process& process, const ExecOptions& options) {
  auto impl = std::make_unique<Launch::Impl>();
  impl->child_of = options.child_of;
  internal::Prepared& plan = impl->plan;
  if (options.pidfd >= 0) {
    plan.pid_namespace = TRY(duplicate(options.pidfd));
  } else {
    Result<Fd> pidfd = open_pidfd(options.pid);
    if (!pidfd) return not_running(std::move(pidfd).error());
    plan.pid_namespace = std::move(*pidfd);
  }
  plan.join_pidfd = plan.pid_namespace.get();
  plan.enters_last = true;
  plan.join_flags = CLONE_NEWNS | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNET | CLONE_NEWCGROUP;
  const Result<bool> other_users = has_other_user_namespace(options.pid);
  if (!other_users) return fail(Error(Code::not_found, "enter container").why("it is not running"));
  if (*other_users) plan.join_flags |= CLONE_NEWUSER;

  Result<Fd> root = open_file("/proc/" + std::to_string(options.pid) + "/root", O_PATH | O_DIRECTORY);
  if (!root) return not_running(std::move(root).error());
  // It is still running, so the pid has not been reused.
  if (Result<> alive = send_signal(plan.join_pidfd, 0); !alive) return not_running(std::move(alive).error());
  TRY(internal::prepare_process(process, root->get(), false, plan));
  if (options.foreign) {
    impl->listener = options.foreign->listener;
    TRY(internal::prepare_foreign_exec(process, options, *root, plan));
  }
  TRY(internal::prepare_attendant(options.attendant, plan));
  TRY(internal::prepare_stdio(options.stdio, plan));
  if (*other_users && !options.foreign) internal::give_pipes(TRY(root_of_process(options.pid)), plan);
  TRY(internal::prepare_filter(options.seccomp_bpf, plan));
  if (!options.cgroup_path.empty()) {
    const Cgroup cgroup = Cgroup::open(options.cgroup_path);
    if (options.groups_below.empty()) {
      TRY(internal::prepare_cgroup(cgroup, plan));
      plan.cgroup_directory = TRY(cgroup.open_for_clone_beside(options.pid));
    } else {
      Cgroup::Places places = TRY(cgroup.open_below(options.groups_below));
      plan.cgroup_tasks = std::move(places.tasks);
      plan.cgroup_directory = std::move(places.for_clone);
    }
  }
  impl->cgroup_path = options.cgroup_path;
  Result<> spawned = impl->spawn(internal::exec_steps());
  if (!spawned) return not_running(std::move(spawned).error());
  return Launch(std::move(impl));
}

}  // namespace consort::runtime

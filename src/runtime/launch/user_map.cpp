// User namespaces that nobody is in: what mount_setattr takes for the owners of a mount.
#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>

#include "base/os/file.hpp"
#include "base/os/process.hpp"
#include "runtime/launch/prepare.hpp"

namespace consort::runtime::internal {

Result<Fd> make_user_namespace(const std::vector<IdMapping>& uids, const std::vector<IdMapping>& gids) {
  clone_args arguments{};
  arguments.flags = CLONE_NEWUSER;
  arguments.exit_signal = SIGCHLD;
  const long cloned = ::syscall(SYS_clone3, &arguments, sizeof arguments);
  if (cloned < 0) return fail_errno("create user namespace");
  if (cloned == 0)
    while (true) ::syscall(SYS_pause);
  const ChildGuard holder(static_cast<pid_t>(cloned));  // killed at the end
  TRY(write_maps(holder.pid(), uids, gids));
  return open_file("/proc/" + std::to_string(holder.pid()) + "/ns/user", O_RDONLY);
}

}  // namespace consort::runtime::internal

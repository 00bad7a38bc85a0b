// A process that holds otherwise empty namespaces must not outlive its parent: base/os/processes/container_users.hpp.
#include "base/os/processes/container_users.hpp"

#include <gtest/gtest.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <chrono>
#include <functional>
#include <thread>

#include "../facilities.hpp"

namespace consort {
namespace {

// From here on, the process is killed when it opens a file, which is the first thing it does after the clone.
void die_at_next_open() {
  const sock_filter program[] = {BPF_STMT(BPF_LD | BPF_W | BPF_ABS, 0),  // the number of the call
                                 BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_openat, 0, 1),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_KILL_PROCESS),
                                 BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW)};
  const sock_fprog filter{std::size(program), const_cast<sock_filter*>(program)};
  ::prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
  if (::syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &filter) != 0) ::_exit(1);
}

// The number of processes that become our children when their parent is killed, and end by themselves.
int orphans_that_end(const std::function<void()>& make) {
  ::prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0);
  const pid_t maker = ::fork();
  if (maker == 0) {
    die_at_next_open();
    make();
    ::_exit(0);
  }
  int status = 0;
  EXPECT_EQ(::waitpid(maker, &status, 0), maker);
  EXPECT_EQ(status & 0x7f, SIGSYS) << "it was not killed";
  int ended = 0;
  const auto deadline = std::chrono::steady_clock::now() + std::chrono::seconds(30);
  while (std::chrono::steady_clock::now() < deadline) {
    const pid_t orphan = ::waitpid(-1, &status, WNOHANG);
    if (orphan < 0) break;
    ended += orphan > 0;
    if (orphan == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  ::prctl(PR_SET_CHILD_SUBREAPER, 0, 0, 0, 0);
  return ended;
}

TEST(ContainerUsersTest, WhoLendsNamespacesEndsWithItsMaker) {
  if (const std::string reason = test::why_no_containers(); !reason.empty()) GTEST_SKIP() << reason;
  const std::string map = container_id_map();
  EXPECT_EQ(orphans_that_end([&] { (void)make_user_namespace(map, map, WithNetwork::yes); }), 1);
  const auto made = make_user_namespace(map, map);
  ASSERT_TRUE(made) << made.error().message();
  EXPECT_EQ(orphans_that_end([&] { (void)make_network_namespace_of(made->users.get()); }), 1);
}

}  // namespace
}  // namespace consort

#include "base/os/propagation.hpp"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <fstream>
#include <string>

#include "../facilities.hpp"

namespace consort {
namespace {

bool any_is_shared() {
  std::ifstream file("/proc/self/mountinfo");
  for (std::string line; std::getline(file, line);)
    if (line.find(" shared:") != std::string::npos) return true;
  return false;
}

// In a child with mounts of its own, all shared among themselves, whose root is no mount point: what went wrong.
int in_chroot(const char* root) {
  if (::unshare(CLONE_NEWNS) != 0 || ::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return 1;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_SHARED, nullptr) != 0) return 2;
  if (::chdir(root) != 0 || ::mkdir("proc", 0700) != 0 || ::mkdir("here", 0700) != 0) return 3;
  if (::mount("proc", "proc", "proc", 0, nullptr) != 0 || ::chroot(".") != 0 || ::chdir("/here") != 0) return 4;
  if (::mount(nullptr, "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0 || errno != EINVAL) return 5;
  if (set_propagation(MS_PRIVATE) != 0) return 6;
  if (any_is_shared()) return 7;
  if (::access("/here", F_OK) != 0 || ::access("../here", F_OK) != 0) return 8;
  return 0;
}

TEST(Propagation, IsSetInAChrootWhoseRootIsNoMountPoint) {
  if (const std::string why = test::why_no_containers(); !why.empty()) GTEST_SKIP() << why;
  std::string root = ::testing::TempDir() + "propagation.XXXXXX";
  ASSERT_NE(::mkdtemp(root.data()), nullptr);
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(in_chroot(root.c_str()));
  int status = -1;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  EXPECT_EQ(status, 0) << "step " << WEXITSTATUS(status);
  ::rmdir((root + "/here").c_str());
  ::rmdir((root + "/proc").c_str());
  EXPECT_EQ(::rmdir(root.c_str()), 0);
}

}  // namespace
}  // namespace consort

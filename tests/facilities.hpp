// What this kernel, or an emulator between it and the tests, does not support: the reason for GTEST_SKIP, or "".
#pragma once

#include <linux/netlink.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <string>

namespace consort::test {

// Containers are cloned into their namespaces: qemu-user supports neither clone3 nor a clone that creates namespaces.
// This checks with the older call because tests make the newer one fail.
inline std::string why_no_containers() {
  if (::geteuid() != 0) return "needs root";
  const long pid = ::syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) ::_exit(0);
  if (pid < 0) return std::string("no process can be born in a namespace of its own here: ") + std::strerror(errno);
  while (::waitpid(static_cast<pid_t>(pid), nullptr, 0) < 0 && errno == EINTR) {
  }
  return {};
}

// A process with several threads cannot enter one, and an emulator may have threads of its own.
inline std::string why_no_user_namespace() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(::unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status == 0) return {};
  return std::string("no user namespace can be made here: ") + std::strerror(WEXITSTATUS(status));
}

// posix_spawn reports why a program did not start through memory shared with the child; qemu-user does not share it.
inline std::string why_no_failed_start() {
  pid_t pid = -1;
  char name[] = "/nothing/here";
  char* const words[] = {name, nullptr};
  if (::posix_spawn(&pid, name, nullptr, nullptr, words, nullptr) != 0) return {};
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return "a program that is missing seems to start here";
}

// Firewall rules use netlink, of which qemu-user only translates links, addresses and routes.
inline std::string why_no_firewall() {
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0) return std::string("no firewall can be asked here: ") + std::strerror(errno);
  ::close(fd);
  return {};
}

}  // namespace consort::test

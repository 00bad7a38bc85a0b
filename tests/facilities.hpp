// What the kernel here cannot do, or an emulator between it and the tests: the reason for GTEST_SKIP, or "".
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

// Containers are born in their namespaces: qemu-user knows no clone3, and no clone that makes any. Asked by the older
// call, as tests let the newer one fail.
inline std::string why_no_containers() {
  if (::geteuid() != 0) return "needs root";
  const long pid = ::syscall(SYS_clone, CLONE_NEWNS | SIGCHLD, 0, 0, 0, 0);
  if (pid == 0) ::_exit(0);
  if (pid < 0) return std::string("no process can be born in a namespace of its own here: ") + std::strerror(errno);
  while (::waitpid(static_cast<pid_t>(pid), nullptr, 0) < 0 && errno == EINTR) {
  }
  return {};
}

// A process cannot leave for one while it has threads, and an emulator may have some of its own.
inline std::string why_no_user_namespace() {
  const pid_t pid = ::fork();
  if (pid == 0) ::_exit(::unshare(CLONE_NEWUSER) == 0 ? 0 : errno);
  int status = 0;
  while (::waitpid(pid, &status, 0) < 0 && errno == EINTR) {
  }
  if (status == 0) return {};
  return std::string("no user namespace can be made here: ") + std::strerror(WEXITSTATUS(status));
}

// posix_spawn tells why a program does not start through memory that it shares with the child: qemu-user's has its own.
inline std::string why_no_failed_start() {
  pid_t pid = -1;
  char name[] = "/nothing/here";
  char* const words[] = {name, nullptr};
  if (::posix_spawn(&pid, name, nullptr, nullptr, words, nullptr) != 0) return {};
  while (::waitpid(pid, nullptr, 0) < 0 && errno == EINTR) {
  }
  return "a program that is missing seems to start here";
}

// Firewall rules go to the kernel by netlink, of which qemu-user translates links, addresses and routes only.
inline std::string why_no_firewall() {
  const int fd = ::socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_NETFILTER);
  if (fd < 0) return std::string("no firewall can be asked here: ") + std::strerror(errno);
  ::close(fd);
  return {};
}

}  // namespace consort::test

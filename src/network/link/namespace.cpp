#include "network/link/namespace.hpp"

#include <fcntl.h>
#include <sched.h>

#include <cerrno>
#include <cstdlib>

namespace consort {

Result<Fd> current_network_namespace() {
  return open_file("/proc/thread-self/ns/net", O_RDONLY);
}

Result<NamespaceVisit> NamespaceVisit::create(int home) {
  if (::unshare(CLONE_NEWNET) == 0) return NamespaceVisit(home);
  const int number = errno;
  Error error = errno_error(number, "create network namespace");
  // As with mount: this is a limit, not a full disk.
  if (number == ENOSPC) error = std::move(error).hint("raise the sysctl user.max_net_namespaces");
  if (number == EPERM) error = std::move(error).hint("run as root");
  return fail(std::move(error));
}

Result<NamespaceVisit> NamespaceVisit::enter(int home, int network_namespace) {
  if (::setns(network_namespace, CLONE_NEWNET) != 0) return fail_errno("enter network namespace");
  return NamespaceVisit(home);
}

NamespaceVisit::~NamespaceVisit() {
  if (home_ >= 0 && ::setns(home_, CLONE_NEWNET) != 0) std::abort();
}

}  // namespace consort

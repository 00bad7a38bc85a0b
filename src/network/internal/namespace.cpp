#include "network/internal/namespace.hpp"

#include <fcntl.h>
#include <sched.h>

#include <cstdlib>

namespace consort {

Result<Fd> current_network_namespace() {
  return open_file("/proc/thread-self/ns/net", O_RDONLY);
}

Result<NewNamespace> NewNamespace::enter(int home) {
  if (::unshare(CLONE_NEWNET) != 0) return fail_errno("create network namespace");
  NewNamespace made(home, Fd());
  made.fd_ = TRY(current_network_namespace());
  return made;
}

NewNamespace::~NewNamespace() {
  if (home_ >= 0 && ::setns(home_, CLONE_NEWNET) != 0) std::abort();
}

}  // namespace consort

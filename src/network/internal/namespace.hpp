// Entering a network namespace and coming back, in a program with one thread.
#pragma once

#include "base/os/fd.hpp"

namespace consort {

// While it lives, this thread is in a new network namespace; then it is back in `home`, or the process is aborted:
// nothing that it did afterwards would happen where it is meant to (the keeper starts a fresh supervisor).
class NewNamespace {
 public:
  static Result<NewNamespace> enter(int home);
  NewNamespace(NewNamespace&& other) noexcept : home_(std::exchange(other.home_, -1)), fd_(std::move(other.fd_)) {}
  NewNamespace(const NewNamespace&) = delete;
  NewNamespace& operator=(const NewNamespace&) = delete;
  ~NewNamespace();

  int fd() const { return fd_.get(); }
  Fd release() { return std::move(fd_); }

 private:
  NewNamespace(int home, Fd fd) : home_(home), fd_(std::move(fd)) {}
  int home_;
  Fd fd_;
};

Result<Fd> current_network_namespace();

}  // namespace consort

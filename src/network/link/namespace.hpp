// Entering a network namespace and coming back, in a program with one thread.
#pragma once

#include "base/os/fd.hpp"

namespace consort {

// While it lives, this thread is in another network namespace; then it is back in `home`, or the process is aborted:
// nothing that it did afterwards would happen where it is meant to (the keeper starts a fresh supervisor).
class NamespaceVisit {
 public:
  static Result<NamespaceVisit> create(int home);  // of a namespace made for it
  static Result<NamespaceVisit> enter(int home, int network_namespace);
  NamespaceVisit(NamespaceVisit&& other) noexcept : home_(std::exchange(other.home_, -1)) {}
  NamespaceVisit(const NamespaceVisit&) = delete;
  NamespaceVisit& operator=(const NamespaceVisit&) = delete;
  ~NamespaceVisit();

 private:
  explicit NamespaceVisit(int home) : home_(home) {}
  int home_;
};

Result<Fd> current_network_namespace();

}  // namespace consort

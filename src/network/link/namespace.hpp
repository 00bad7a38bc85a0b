// Entering a network namespace and coming back, in a single-threaded program.
#pragma once

#include "base/os/fd.hpp"

namespace consort {

// While it exists, this thread is in another network namespace. The destructor returns to `home` or aborts the process,
// since everything after that would happen in the wrong namespace (the keeper starts a new supervisor).
class NamespaceVisit {
 public:
  static Result<NamespaceVisit> create(int home);  // enters a new namespace
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

// Protects cgroups without processes while they are created or removed. The claim is a lock on the directory in the
// first hierarchy, which contains every container: shared for the creator, until the first process is in it or it is
// removed again; exclusive for a sweep, which only removes unclaimed ones. The directory is only removed with the lock
// held on that very directory, never on an older one of the same name; otherwise a sweep could delete a cgroup that its
// creator has just made again.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "runtime/cgroup/cgroup_hierarchy.hpp"

namespace consort::runtime::internal {

// Waits for a sweep to end. Code::not_found: no such directory.
Result<Fd> claim_to_make(const std::string& directory);

// Creates the directory if it is missing. nullopt: another process holds the claim.
std::optional<Fd> claim_to_sweep(const std::string& directory);

// Exists while the cgroup of that path is removed, since it may be created again right afterwards.
class SweepsKeptOut {
 public:
  explicit SweepsKeptOut(const std::string& path);
  // In the hierarchy of the claim, only the locked directory may be removed; a newer one is a sweep's, which removes
  // it.
  bool may_remove_from(const Hierarchy& hierarchy) const;

 private:
  Result<Fd> claim_;
};

}  // namespace consort::runtime::internal

// Who may make and remove a group that has no process yet. It is claimed by a lock on its directory in the first
// hierarchy, which takes every container: shared by whoever makes it, until its first process is in it, or removes it
// himself; exclusive by a sweep, which takes only what nobody else has. Nobody removes that directory without a lock on
// it, and not on one that had its name before: else a sweep would go on with what its maker has made again.
#pragma once

#include <optional>
#include <string>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "runtime/cgroup/cgroup_hierarchy.hpp"

namespace consort::runtime::internal {

// Waits for a sweep to end. Code::not_found: there is no such directory.
Result<Fd> claim_to_make(const std::string& directory);

// Made if it is not there. nullopt: somebody has it.
std::optional<Fd> claim_to_sweep(const std::string& directory);

// While somebody removes the group of that path, and may make it again right after that.
class SweepsKeptOut {
 public:
  explicit SweepsKeptOut(const std::string& path);
  // In the hierarchy of the claim only what the lock is on: what has come since is a sweep's, which removes it.
  bool may_remove_from(const Hierarchy& hierarchy) const;

 private:
  Result<Fd> claim_;
};

}  // namespace consort::runtime::internal

#include "runtime/cgroup/cgroup_claim.hpp"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>

#include <cerrno>

#include "base/os/files/file.hpp"
#include "base/os/files/flock.hpp"
#include "base/os/files/has_name.hpp"

namespace consort::runtime::internal {

Result<Fd> claim_to_make(const std::string& directory) {
  for (;;) {
    Fd claim = TRY(open_file(directory, O_RDONLY | O_DIRECTORY));
    TRY(lock_shared(claim.get(), directory));
    if (has_name(claim.get(), directory)) return claim;
  }
}

// If a leftover exists only in other hierarchies, its cgroup in the first one is created again: otherwise there would
// be nothing to lock against a process that recreates the cgroup at the same time.
std::optional<Fd> claim_to_sweep(const std::string& directory) {
  if (::mkdir(directory.c_str(), 0755) != 0 && errno != EEXIST) return std::nullopt;
  Result<Fd> fd = open_file(directory, O_RDONLY | O_DIRECTORY);
  if (!fd || ::flock(fd->get(), LOCK_EX | LOCK_NB) != 0) return std::nullopt;
  // Another sweep may have removed it before we had the lock, and its owner may have created it again.
  if (!has_name(fd->get(), directory)) return std::nullopt;
  return *std::move(fd);
}

SweepsKeptOut::SweepsKeptOut(const std::string& path)
    : claim_(hierarchies().empty() ? Result<Fd>(Fd()) : claim_to_make(hierarchies().front().directory(path))) {}

bool SweepsKeptOut::may_remove_from(const Hierarchy& hierarchy) const {
  const bool is_absent = !claim_ && claim_.error().code() == Code::not_found;
  return !is_absent || &hierarchy != &hierarchies().front();
}

}  // namespace consort::runtime::internal

// Volumes of the local driver: a directory data/volumes/NAME/_data for each. With the options type, o and device,
// something is mounted there while the volume is in use. The engine's database has the list of volumes and their users.
// The functions keep no state in memory and may be called from any thread; those that require lock_volumes() say so.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "base/os/trees/trash.hpp"
#include "base/roots.hpp"

namespace consort::volume {

// [a-zA-Z0-9][a-zA-Z0-9_.-]+, at least two characters; errors have Docker's text.
Result<> check_name(const std::string& name);

// type, o, device; size and other options of Docker's are refused by name.
using DriverOptions = std::map<std::string, std::string>;
Result<> check_options(const DriverOptions& options);

// Held while a volume is created or removed, until its record and its directory agree. Hold it only for short
// operations.
Result<Fd> lock_volumes(const Roots& roots);

enum class Recorded : std::uint8_t { no, yes };
// Creates the directory, 0755 and root's; succeeds if it exists. A directory with files but without a record is never
// used for a new volume: Code::conflict. Requires the lock.
Result<> create_directory(const Roots& roots, const std::string& name, Recorded recorded);

// Removes a volume so that after a crash it is either complete or gone: its directory is renamed first, then the caller
// removes the record, then the files are deleted. All but the last step require the lock.
class Removal {
 public:
  // Code::busy if something is mounted in it; mounts from driver options must be unmounted first.
  static Result<Removal> begin(const Roots& roots, const std::string& name);
  Result<> take_back();          // the record was kept
  Result<Trash::Item> commit();  // the record is gone; pass the result to remove_files
 private:
  Removal(Trash trash, std::string directory, std::string aside)
      : trash_(std::move(trash)), directory_(std::move(directory)), aside_(std::move(aside)) {}
  Trash trash_;
  std::string directory_;
  std::string aside_;
};
Result<> remove_files(const Roots& roots, Trash::Item item);

// Removals that were interrupted before the record was removed or kept.
std::vector<std::string> unsettled(const Roots& roots);
// Completes one: the directory of a recorded volume is restored, another one is removed. Requires the lock.
Result<> settle(const Roots& roots, const std::string& name, Recorded recorded);
// Deletes the files of removed volumes.
Result<> sweep_files(const Roots& roots);
// The names of all volumes with a directory. The second function removes the directory of one without a record if it is
// empty. Both require the lock.
std::vector<std::string> all_directories(const Roots& roots);
Result<> sweep_unrecorded(const Roots& roots, const std::string& name);

// Mounts according to the driver options unless already mounted. Does nothing without options.
Result<> mount_volume(const Roots& roots, const std::string& name, const DriverOptions& options);
Result<> unmount_volume(const Roots& roots, const std::string& name, const DriverOptions& options);

// Cheap check whether there is anything for copy_up to fill.
Result<bool> needs_copy_up(const Roots& roots, const std::string& name);
// Fills an empty volume with the image's files at `target` (image_root: descriptor of its root directory): contents,
// owner and mode. Does nothing if there is no such directory. All or nothing: after a failed or interrupted copy, the
// volume is empty for the next one. Concurrent calls wait for each other.
Result<> copy_up(const Roots& roots, const std::string& name, int image_root, const std::string& target);

// The host path of a part of a volume. Links in it cannot lead out. Code::not_found with Docker's text.
Result<std::string> resolve_subpath(const std::string& directory, const std::string& subpath);

}  // namespace consort::volume

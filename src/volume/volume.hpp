// Volumes of the local driver: a directory each, data/volumes/NAME/_data; with the options type, o and device something
// is mounted there while it is used. Whether a volume exists at all, and who uses it, is in the engine's database.
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

// [a-zA-Z0-9][a-zA-Z0-9_.-]+, at least two characters; Docker's words.
Result<> check_name(const std::string& name);

// type, o, device; size and others of Docker's are refused by name.
using DriverOptions = std::map<std::string, std::string>;
Result<> check_options(const DriverOptions& options);

// Held by whoever makes a volume or removes one, until its record and its directory agree. Nothing slow is done under
// it.
Result<Fd> lock_volumes(const Roots& roots);

enum class Recorded : std::uint8_t { no, yes };
// The directory, 0755 and root's; there already is success. One that holds files although no record names the volume is
// never taken for a new volume: Code::conflict. Under the lock.
Result<> create_folder(const Roots& roots, const std::string& name, Recorded recorded);

// Taking a volume away so that after a crash it is either there, whole, or not there: its directory goes out of sight
// first, then the caller forgets the record, then the files are deleted. All but the last under the lock.
class Removal {
 public:
  // Code::busy if something is mounted in there; what driver options mount must be unmounted before.
  static Result<Removal> begin(const Roots& roots, const std::string& name);
  Result<> take_back();          // the record stays
  Result<Trash::Item> commit();  // the record is gone; for remove_files
 private:
  Removal(Trash trash, std::string folder, std::string aside)
      : trash_(std::move(trash)), folder_(std::move(folder)), aside_(std::move(aside)) {}
  Trash trash_;
  std::string folder_;
  std::string aside_;
};
Result<> remove_files(const Roots& roots, Trash::Item item);

// Removals that were cut short before it was clear whether the record goes.
std::vector<std::string> unsettled(const Roots& roots);
// Ends one: the directory of a volume that is recorded comes back, another's goes. Under the lock.
Result<> settle(const Roots& roots, const std::string& name, Recorded recorded);
// Deletes what is gone but not yet deleted.
Result<> sweep_files(const Roots& roots);
// Names of all volumes that have a directory. The directory of one that has no record goes if it holds nothing. Under
// the lock.
std::vector<std::string> all_folders(const Roots& roots);
Result<> sweep_unrecorded(const Roots& roots, const std::string& name);

// Mounts as the driver options say, unless that is done. Without options: nothing to do.
Result<> mount_volume(const Roots& roots, const std::string& name, const DriverOptions& options);
Result<> unmount_volume(const Roots& roots, const std::string& name, const DriverOptions& options);

// Cheap look: is there anything for copy_up to fill?
Result<bool> needs_copy_up(const Roots& roots, const std::string& name);
// Fills an empty volume with what the image (a directory descriptor of its root) has at `target`: content, owner and
// mode. Not there, or not a folder: nothing to do. All or nothing: a copy that failed or was cut short (a crash)
// leaves the volume empty for the next one. Two at once wait for each other.
Result<> copy_up(const Roots& roots, const std::string& name, int image_root, const std::string& target);

// The host path of a part of a volume. Links inside it cannot lead out. Code::not_found in Docker's words.
Result<std::string> resolve_subpath(const std::string& folder, const std::string& subpath);

}  // namespace consort::volume

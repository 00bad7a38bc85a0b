// Volumes of the local driver: a folder each, data/volumes/NAME/_data; with the options type, o and device something
// is mounted there while it is used. Whether a volume exists at all, and who uses it, is in the engine's database.
// Engine behaviour, section 9.
#pragma once

#include <map>
#include <string>

#include "base/error.hpp"
#include "base/os/fd.hpp"
#include "base/roots.hpp"

namespace consort::volume {

// [a-zA-Z0-9][a-zA-Z0-9_.-]+, at least two characters; Docker's words.
Result<> check_name(const std::string& name);

// type, o, device; size and others of Docker's are refused by name.
using DriverOptions = std::map<std::string, std::string>;
Result<> check_options(const DriverOptions& options);

// The folder, 0755 and root's; there already is success.
Result<> create_folder(const Roots& roots, const std::string& name);
// Says on disk that the volume is about to go, before its record does: a folder that is found with this mark and
// without a record holds nothing that anybody may see again.
Result<> mark_for_removal(const Roots& roots, const std::string& name);
Result<> unmark_for_removal(const Roots& roots, const std::string& name);
bool is_being_removed(const Roots& roots, const std::string& name);
// With everything in it. Unmounts first what driver options have mounted. Gone is success.
Result<> remove_folder(const Roots& roots, const std::string& name);

// Mounts as the driver options say, unless that is done. Without options: nothing to do.
Result<> mount_volume(const Roots& roots, const std::string& name, const DriverOptions& options);
Result<> unmount_volume(const Roots& roots, const std::string& name, const DriverOptions& options);

// Cheap look: is there anything for copy_up to fill?
Result<bool> needs_copy_up(const Roots& roots, const std::string& name);
// Fills an empty volume with what the image (a folder descriptor of its root) has at `target`: content, owner and
// mode. Not there, or not a folder: nothing to do. All or nothing: a copy that failed or was cut short (a crash)
// leaves the volume empty for the next one. Two at once wait for each other.
Result<> copy_up(const Roots& roots, const std::string& name, int image_root, const std::string& target);

// The host path of a part of a volume. Links inside it cannot lead out. Code::not_found in Docker's words.
Result<std::string> resolve_subpath(const std::string& folder, const std::string& subpath);

}  // namespace consort::volume
